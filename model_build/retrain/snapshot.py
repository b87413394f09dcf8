"""A snapshot of reviewed windows as the aggregator froze it: a folder with snapshot.json and windows.npz."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from contract.checks import hexadecimal, real, sequence_of, text, whole
from contract.errors import ContractError
from contract.manifest import ANOMALY
from contract.record import Record, checked
from model_build.errors import SnapshotError
from model_build.retrain.archive import UnreadableError, map_arrays

SCHEMA: Final = 1
HEAD: Final = "snapshot.json"
WINDOWS: Final = "windows.npz"
NONE: Final = -1
"""Label of a window in which none of the labels sounds."""
UNKNOWN_STEP: Final = -1
SPLITS: Final = ("training", "validation", "test")
TRAINING, VALIDATION, TEST = range(3)
_HEAD_LIMIT_BYTES: Final = 1_000_000
_CHUNK_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Head(Record):
    """What the snapshot says of itself."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of this description")
    frontend_digest: str = checked(hexadecimal(64), "front end that all windows come from")
    labels: tuple[str, ...] = checked(sequence_of(text(60), high=1000), "labels of the windows, in order")
    made_s: float = checked(real(0, 1e11), "when it was made, seconds since 1970")
    windows: int = checked(whole(0, 10_000_000), "how many windows it holds")
    digest: str = checked(hexadecimal(64), "SHA-256 of the arrays in windows.npz, in order of name")
    none: str = checked(text(60), "label that stands for none of them")

    def __post_init__(self) -> None:
        super(Head, self).__post_init__()
        if len(set(self.labels)) != len(self.labels):
            raise ContractError("labels: a label stands twice")
        if ANOMALY in self.labels:
            raise ContractError(f"labels: {ANOMALY!r} belongs to another kind of model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """N reviewed windows of one front end."""

    head: Head
    frames: NDArray[np.int8]
    """(total, MEL_BINS), mapped from the file"""
    offsets: NDArray[np.int64]
    """(N + 1,) where each window begins and ends in ``frames``"""
    label: NDArray[np.int16]
    """(N,) index into the head's labels, or ``NONE``"""
    split: NDArray[np.uint8]
    """(N,) index into ``SPLITS``"""
    window_id: NDArray[np.int64]
    """(N,)"""
    peak_step: NDArray[np.int32]
    """(N,) step at which the node was surest that it heard a target, or ``UNKNOWN_STEP``"""

    def window(self, index: int) -> NDArray[np.int8]:
        """(frames, MEL_BINS) of a window."""
        return self.frames[self.offsets[index] : self.offsets[index + 1]]

    def name(self, index: int) -> str | None:
        """Label of a window; none: none of them."""
        place = int(self.label[index])
        return None if place == NONE else self.head.labels[place]

    def of(self, split: int) -> NDArray[np.int64]:
        """Windows of a split."""
        return np.flatnonzero(self.split == split)


def read_snapshot(folder: Path) -> Snapshot:
    """The snapshot in ``folder``; ``SnapshotError`` says what is wrong with it."""
    try:
        head = _head(folder / HEAD)
        arrays = map_arrays(folder / WINDOWS)
        return _checked(head, arrays)
    except OSError as error:
        raise SnapshotError(f"{folder}: {error.strerror or error}") from error
    except (UnreadableError, ContractError) as error:
        raise SnapshotError(f"{folder}: no snapshot: {error}") from error


def arrays_digest(arrays: dict[str, NDArray[Any]]) -> str:
    """SHA-256 over the bytes of ``arrays`` in order of name."""
    content = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        for start in range(0, max(1, len(array)), _CHUNK_ROWS):
            content.update(np.ascontiguousarray(array[start : start + _CHUNK_ROWS]).data)
    return content.hexdigest()


def _head(path: Path) -> Head:
    with path.open("rb") as file:
        content = file.read(_HEAD_LIMIT_BYTES + 1)
    if len(content) > _HEAD_LIMIT_BYTES:
        raise UnreadableError(f"{HEAD} is larger than {_HEAD_LIMIT_BYTES} bytes")
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{HEAD}: not JSON") from error
    return Head.from_plain(plain)


def _checked(head: Head, arrays: dict[str, NDArray[Any]]) -> Snapshot:
    kinds = {
        "offsets": (np.int64, head.windows + 1),
        "label": (np.int16, head.windows),
        "split": (np.uint8, head.windows),
        "window_id": (np.int64, head.windows),
        "peak_step": (np.int32, head.windows),
    }
    if set(arrays) != {"frames", *kinds}:
        raise UnreadableError(f"{WINDOWS}: must hold {', '.join(sorted({'frames', *kinds}))}")
    for name, (dtype, count) in kinds.items():
        if arrays[name].dtype != dtype or arrays[name].shape != (count,):
            raise UnreadableError(f"{name}: must be {count} numbers of type {np.dtype(dtype)}")
    frames, offsets, label = arrays["frames"], arrays["offsets"], arrays["label"]
    if frames.dtype != np.int8 or frames.ndim != 2 or frames.shape[1] != MEL_BINS:
        raise UnreadableError(f"frames: must be (frames, {MEL_BINS}) of type int8")
    if offsets[0] != 0 or offsets[-1] != len(frames) or (np.diff(offsets) <= 0).any():
        raise UnreadableError("offsets: must rise from 0 to the number of frames")
    if label.size and not (label.min() >= NONE and label.max() < len(head.labels)):
        raise UnreadableError("label: names a label that is not there")
    if arrays["split"].max(initial=0) >= len(SPLITS):
        raise UnreadableError("split: must be 0, 1 or 2")
    if arrays_digest(arrays) != head.digest:
        raise UnreadableError(f"{WINDOWS} is not the one that {HEAD} describes (its digest differs)")
    return Snapshot(head=head, **arrays)
