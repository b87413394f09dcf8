"""Recordings without any target, heard as one stream."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What was heard without a target in it."""

    frames: NDArray[np.int8]
    """(T, MEL_BINS)"""
    broken: tuple[str, ...]
    """One sentence for each file that was skipped."""

    @property
    def hours(self) -> float:
        """Its length."""
        return len(self.frames) / FRAMES_PER_S / 3600


def hear_stream(
    folder: Path | None, negatives: Negatives, frontend: Frontend, progress: Progress
) -> Stream | None:
    """The recordings in ``folder`` one after another, or the negatives held out; none if there are none.

    Files that cannot be read are named and skipped; ``DatasetError`` if that is all of them.
    """
    broken: list[str] = []
    pcm: Iterable[Pcm]
    if folder is not None:
        paths = stream_files(folder, negatives)
        pcm, total = _readable(paths, broken), len(paths)
    else:
        pcm, total = [negative.pcm for negative in negatives.held_out], len(negatives.held_out)
    frontend.reset()
    heard = []
    for part in pcm:
        heard.append(frontend.more(part))
        progress("hearing the stream", len(heard) + len(broken), total)
    if not heard:
        if broken:
            raise DatasetError(f"{folder}: none of its recordings can be read; the first: {broken[0]}")
        return None
    return Stream(frames=np.concatenate(heard), broken=tuple(broken))


def _readable(paths: Sequence[Path], broken: list[str]) -> Iterator[Pcm]:
    """Each recording in turn; a sentence in ``broken`` for each that is none."""
    for path in paths:
        try:
            yield read_pcm(path)
        except DatasetError as error:
            broken.append(str(error))
