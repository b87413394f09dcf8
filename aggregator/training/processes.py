"""What the kernel says of processes, and how a group of them is ended."""

import contextlib
import os
import signal
from pathlib import Path


def start_ticks(pid: int) -> int | None:
    """When a process started, in the kernel's ticks; with its id it names the process for good.

    None if there is none of that id.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return int(fields[19])


def data_bytes(pid: int) -> int:
    """Writable memory of a process, as RLIMIT_DATA counts it; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), 0)


def signal_group(pid: int, number: int) -> None:
    """Send a signal to a process that leads a group, and to the whole group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def end_leftover(pid: int, ticks: int) -> bool:
    """Kill what a trainer that is gone had started, if it is still there; whether it was."""
    if start_ticks(pid) != ticks:
        return False
    signal_group(pid, signal.SIGKILL)
    return True
