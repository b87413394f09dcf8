"""The node's own health: processor, memory, temperature, disk, clock."""

import ctypes
import os
import shutil
import time
from pathlib import Path
from typing import Final

FIRST_POSSIBLE_S: Final = 1_735_689_600.0
"""Begin of 2025: a clock before it was never set."""
_THERMAL: Final = Path("/sys/class/thermal")
_STATM: Final = Path("/proc/self/statm")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_UNSYNCHRONISED: Final = 0x40


class Processor:
    """Share of one core that this process takes."""

    def __init__(self) -> None:
        self._cpu_s, self._wall_s = time.process_time(), time.monotonic()

    def percent(self) -> float:
        """Since the last call."""
        cpu_s, wall_s = time.process_time(), time.monotonic()
        share = (cpu_s - self._cpu_s) / max(1e-3, wall_s - self._wall_s)
        self._cpu_s, self._wall_s = cpu_s, wall_s
        return 100 * share


def rss_bytes() -> int:
    """Resident memory of this process; 0 where the system does not say."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def boot_id(path: Path = _BOOT_ID) -> str:
    """Tells one time that the machine is switched on from another; empty where the system does not say."""
    try:
        return path.read_text().strip()[:64]
    except (OSError, ValueError):
        return ""


def temperature_c(thermal: Path = _THERMAL) -> float | None:
    """Of the processor; ``None`` where there is no sensor."""
    for zone in sorted(thermal.glob("thermal_zone*")):
        try:
            degrees = int((zone / "temp").read_text()) / 1000
        except (OSError, ValueError):
            continue
        if -40 < degrees < 150:
            return degrees
    return None


def disk_free_bytes(folder: Path) -> int:
    """Free for this user where ``folder`` is, or will be."""
    for existing in (folder, *folder.parents):
        if existing.exists():
            return shutil.disk_usage(existing).free
    return 0


def clock_synced() -> bool:
    """Whether the clock is set and the kernel holds it for synchronised."""
    return time.time() > FIRST_POSSIBLE_S and _kernel_synchronised()


class _Timex(ctypes.Structure):
    """The beginning of ``struct timex``; the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_byte * 256),
    )


def _kernel_synchronised() -> bool:
    timex = _Timex()
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return False
    return answer >= 0 and not timex.status & _UNSYNCHRONISED
