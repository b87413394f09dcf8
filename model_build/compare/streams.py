"""Recordings without any target, heard as one stream."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_build.audio_file import read_pcm
from model_build.dataset import Pcm, Progress
from model_build.errors import DatasetError
from model_build.negatives import SOUND_FILES, Negatives
from model_build.runtime import Frontend


def stream_files(folder: Path, negatives: Negatives) -> list[Path]:
    """Sound files in ``folder``, but for those that the contenders learn from."""
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is not a folder")
    learned = {negative.path.resolve() for negative in negatives.learned}
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUND_FILES)
    heard = [path for path in found if path.resolve() not in learned]
    if not heard:
        raise DatasetError(f"{folder}: holds no sound file that is not learned from already")
    return heard


def hear_stream(
    folder: Path | None, negatives: Negatives, frontend: Frontend, progress: Progress
) -> NDArray[np.int8] | None:
    """(T, MEL_BINS) of the recordings in ``folder``, or of the negatives held out; none if there are none."""
    pcm: Sequence[Pcm]
    if folder is not None:
        pcm = [read_pcm(path) for path in stream_files(folder, negatives)]
    else:
        pcm = [negative.pcm for negative in negatives.held_out]
    if not pcm:
        return None
    frontend.reset()
    heard = []
    for index, part in enumerate(pcm):
        heard.append(frontend.more(part))
        progress("hearing the stream", index + 1, len(pcm))
    return np.concatenate(heard)
