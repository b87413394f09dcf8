"""The files of a snapshot: written as they come, whole or not at all.

``windows.npz`` holds numpy arrays without pickles: ``frames`` (total, mel bins) int8, ``offsets`` (N+1,)
int64 into them, ``label`` (N,) int16, index into the labels or -1, ``split`` (N,) uint8, ``window_id`` (N,)
int64 and ``peak_step`` (N,) int32. Only one slice of frames is in memory at a time.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from aggregator.services.durable_files import open_new, sync
from contract.audio import MEL_BINS
from contract.manifest import is_target

SCHEMA: Final = 1
WINDOWS: Final = "windows.npz"
DESCRIPTION: Final = "snapshot.json"
NO_LABEL: Final = -1
UNKNOWN_STEP: Final = -1
HEARD_LEAST: Final = 64
"""Posterior, of 255, from which a node heard something where it was surest."""
STEP_MS: Final = 80
"""What ``peak_step`` counts: the steps of the network that learns."""

OpenFile = Callable[[Path], BinaryIO]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPlan:
    """One window of the snapshot before its features are read."""

    window_id: int
    label: int
    split: int
    frames: int


@dataclass(slots=True)
class Frozen:
    """The features of one window, and where the node was surest."""

    frames: bytes
    peak_step: int = field(default=UNKNOWN_STEP)


def write_windows(
    path: Path, plan: Sequence[WindowPlan], content: Iterable[Frozen], open_file: OpenFile = open_new
) -> str:
    """Write ``windows.npz`` with the features of ``content``, in the order of ``plan``; its digest.

    The digest is SHA-256 over the bytes of the arrays, one after the other in order of their names.
    """
    digest, peaks = hashlib.sha256(), np.full(len(plan), UNKNOWN_STEP, np.int32)
    with open_file(path) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            shape = (sum(one.frames for one in plan), MEL_BINS)
            with archive.open(zipfile.ZipInfo("frames.npy"), "w", force_zip64=True) as member:
                npy.write_array_header_1_0(member, {"descr": "|i1", "fortran_order": False, "shape": shape})
                for index, window in enumerate(content):
                    member.write(window.frames)
                    digest.update(window.frames)
                    peaks[index] = window.peak_step
            for name, array in _small_arrays(plan, peaks):
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                    npy.write_array(member, array, allow_pickle=False)
                digest.update(array.tobytes())
        sync(file)
    return digest.hexdigest()


def write_description(path: Path, description: Mapping[str, Any], open_file: OpenFile = open_new) -> None:
    """Write ``snapshot.json``."""
    with open_file(path) as file:
        file.write(json.dumps({"schema": SCHEMA, **description}, indent=1, ensure_ascii=False).encode())
        sync(file)


def read_plan(path: Path) -> tuple[list[WindowPlan], NDArray[np.int32]]:
    """What ``windows.npz`` holds beside the features, and the peak step of each window."""
    with np.load(path, allow_pickle=False) as arrays:
        lengths = np.diff(arrays["offsets"]).tolist()
        columns = [arrays[name].tolist() for name in ("window_id", "label", "split")]
        plan = [
            WindowPlan(window_id=window_id, label=label, split=split, frames=frames)
            for window_id, label, split, frames in zip(*columns, lengths, strict=True)
        ]
        return plan, arrays["peak_step"]


def read_frames(path: Path, plan: Sequence[WindowPlan]) -> Iterator[bytes]:
    """The features of each window, one after the other; ``plan`` is that of the file."""
    with zipfile.ZipFile(path) as archive, archive.open("frames.npy") as member:
        npy.read_magic(member)
        npy.read_array_header_1_0(member)
        for window in plan:
            frames = member.read(window.frames * MEL_BINS)
            if len(frames) != window.frames * MEL_BINS:
                raise ValueError("the features end too early")
            yield frames


def peak_step(posteriors: bytes, labels: Sequence[str], step_ms: int) -> int:
    """The step of ``STEP_MS`` at which any label but those in underscores was surest; -1 if none was heard.

    Of a sound that the node does not know the faint peaks say nothing: they lie anywhere, often in quiet.

    >>> peak_step(bytes([90, 0, 70, 200]), ["dog", "_silence_"], 160)
    0
    >>> peak_step(bytes([9, 0, 7, 200]), ["dog", "_silence_"], 160)
    -1
    >>> peak_step(b"", ["dog"], 80)
    -1
    """
    targets = [index for index, label in enumerate(labels) if is_target(label)]
    if not posteriors or not targets:
        return UNKNOWN_STEP
    values = np.frombuffer(posteriors, np.uint8).reshape(-1, len(labels))[:, targets]
    peak = int(values.max(axis=1).argmax())
    return peak * step_ms // STEP_MS if values[peak].max() >= HEARD_LEAST else UNKNOWN_STEP


def _small_arrays(plan: Sequence[WindowPlan], peaks: NDArray[np.int32]) -> Iterator[tuple[str, NDArray[Any]]]:
    """All but the frames, in order of their names."""
    yield "label", np.array([one.label for one in plan], np.int16)
    yield "offsets", np.concatenate([[0], np.cumsum([one.frames for one in plan])]).astype(np.int64)
    yield "peak_step", peaks
    yield "split", np.array([one.split for one in plan], np.uint8)
    yield "window_id", np.array([one.window_id for one in plan], np.int64)
