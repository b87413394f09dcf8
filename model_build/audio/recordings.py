"""Recordings of a folder, in an order that does not change."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES
from model_build.audio_file import SUFFIXES, read_pcm
from model_build.errors import DatasetError


def files_of(folder: Path) -> list[Path]:
    """Every sound file in ``folder`` and below, sorted; ``DatasetError`` if there is none."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise DatasetError(f"{folder}: holds no sound files")
    return found


def whole_hops(path: Path) -> NDArray[np.int16]:
    """The recording without the samples that fill no hop."""
    pcm = read_pcm(path)
    return pcm[: pcm.size // HOP_SAMPLES * HOP_SAMPLES]
