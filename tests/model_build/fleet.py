"""Plays a fleet for the tests of retraining: windows as nodes send them, frozen as an aggregator does."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_build.retrain.snapshot import HEAD, SPLITS, WINDOWS, arrays_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A reviewed window."""

    frames: NDArray[np.int8]
    label: str | None
    split: str = "training"
    peak_step: int = -1


def write_snapshot(
    folder: Path, windows: list[Window], frontend_digest: str, none: str = "_unknown_"
) -> Path:
    """The folder that the aggregator would write."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = sorted({window.label for window in windows if window.label is not None})
    arrays = {
        "frames": np.concatenate([window.frames for window in windows]),
        "offsets": np.cumsum([0, *(len(window.frames) for window in windows)], dtype=np.int64),
        "label": np.array([-1 if w.label is None else labels.index(w.label) for w in windows], np.int16),
        "split": np.array([SPLITS.index(window.split) for window in windows], np.uint8),
        "window_id": np.arange(len(windows), dtype=np.int64) + 100,
        "peak_step": np.array([window.peak_step for window in windows], np.int32),
    }
    np.savez(folder / WINDOWS, allow_pickle=False, **arrays)
    head = {
        "schema": 1,
        "frontend_digest": frontend_digest,
        "labels": labels,
        "made_s": 1.7e9,
        "windows": len(windows),
        "digest": arrays_digest(arrays),
        "none": none,
    }
    (folder / HEAD).write_text(json.dumps(head))
    return folder
