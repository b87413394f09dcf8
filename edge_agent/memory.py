"""Keeps resident memory small on a machine that has little; does nothing where the C library is not glibc."""

import ctypes
import gc
from typing import Any, Final

_ARENA_MAX: Final = -8
_TRIM_THRESHOLD: Final = -1
_TRIM_THRESHOLD_BYTES: Final = 256 * 1024


def one_arena() -> None:
    """Before threads start: one heap for all of them, since only one is ever busy."""
    _call("mallopt", _ARENA_MAX, 1)
    _call("mallopt", _TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES)


def give_back() -> None:
    """After loading: return what loading left behind, and never again look at what stays for good."""
    gc.collect()
    gc.freeze()
    _call("malloc_trim", 0)


def _call(name: str, *values: int) -> None:
    try:
        function: Any = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return
    function(*values)
