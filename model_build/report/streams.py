"""Folders of recordings that hold no target, heard without a pause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.audio import MEL_BINS, RATE_HZ
from model_build.audio_file import SUFFIXES, read_pcm
from model_build.dataset import Pcm, Progress
from model_build.errors import DatasetError
from model_build.negatives import not_learned
from model_build.recipe import Recipe
from model_build.report.rules import Rules
from model_build.runtime import Classifier, Frontend
from model_build.shape import STEP_FRAMES
from model_build.sweep import STEP_S

_EDGE_S = 6
"""So much of either end of a recording is kept, to put clips between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamHeard:
    """A folder's recordings in a row, and what the model said."""

    name: str
    files: tuple[str, ...]
    starts_s: tuple[float, ...]
    """Where each file begins in the stream"""
    posteriors: NDArray[np.float32]
    """(steps, K)"""
    edges: tuple[Pcm, ...]
    """The beginning and the end of each recording"""
    broken: tuple[str, ...]

    @property
    def hours(self) -> float:
        """Length of the stream."""
        return float(self.posteriors.shape[0] * STEP_S / 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarm:
    """A detection where there was nothing to detect."""

    file: str
    at_s: float
    """Where it started in that file"""
    label: str
    posterior: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAlarms:
    """What the bundle as it is reported of one stream."""

    name: str
    files: int
    hours: float
    false_alarms: Mapping[str, int]
    """Of each label that can be detected"""
    heard: tuple[FalseAlarm, ...]
    """All of them, in order"""


def sound_files(folder: Path) -> list[Path]:
    """The recordings below ``folder``, in the order of their names; ``DatasetError`` if there are none."""
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is not a folder of recordings")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise DatasetError(f"{folder}: holds no recording that can be heard as a stream")
    return files


def hear_stream(
    frontend: Frontend, classifier: Classifier, folder: Path, recipe: Recipe, progress: Progress
) -> StreamHeard:
    """The recordings of ``folder`` as one stream that is never reset; files that cannot be read are named.

    What ``recipe`` learns from, among its negatives, is left out.
    """
    paths = not_learned(sound_files(folder), folder.resolve().name, recipe)
    names, begins, edges, broken, heard = [], [], [], [], []
    waiting, samples = np.empty((0, MEL_BINS), np.int8), 0
    frontend.reset()
    classifier.reset()
    for index, path in enumerate(paths):
        try:
            pcm = read_pcm(path)
        except DatasetError as error:
            broken.append(str(error))
            continue
        names.append(path.relative_to(folder).as_posix())
        begins.append(samples / RATE_HZ)
        edges.append(_edges(pcm))
        samples += pcm.size
        waiting = np.concatenate([waiting, frontend.more(pcm)])
        whole = len(waiting) // STEP_FRAMES * STEP_FRAMES
        if whole:
            heard.append(classifier.posteriors(waiting[:whole], STEP_FRAMES))
        waiting = waiting[whole:]
        progress(f"listening to {folder.name}", index + 1, len(paths))
    if not heard:
        raise DatasetError(f"{folder}: none of its recordings can be read; the first: {(broken or ['?'])[0]}")
    return StreamHeard(
        name=folder.name,
        files=tuple(names),
        starts_s=tuple(begins),
        posteriors=np.concatenate(heard),
        edges=tuple(edges),
        broken=tuple(broken),
    )


def count_alarms(stream: StreamHeard, rules: Rules) -> StreamAlarms:
    """What the bundle as it is reports of ``stream``."""
    alarms = [
        _located(stream, found.start_step * STEP_S, found.label, found.posterior)
        for found in rules.detections(stream.posteriors)
    ]
    labels = [rules.labels[index] for index in rules.targets]
    return StreamAlarms(
        name=stream.name,
        files=len(stream.files),
        hours=stream.hours,
        false_alarms={label: sum(alarm.label == label for alarm in alarms) for label in labels},
        heard=tuple(alarms),
    )


def surroundings(streams: Sequence[StreamHeard]) -> list[Pcm]:
    """What clips are put between."""
    return [edge for stream in streams for edge in stream.edges]


def _edges(pcm: Pcm) -> Pcm:
    keep = _EDGE_S * RATE_HZ
    return pcm if pcm.size <= 2 * keep else np.concatenate([pcm[:keep], pcm[-keep:]])


def _located(stream: StreamHeard, at_s: float, label: str, posterior: float) -> FalseAlarm:
    # A step that began in one file may end in the next; the first file starts at zero.
    index = int(np.searchsorted(stream.starts_s, at_s + STEP_S / 2, side="right")) - 1
    return FalseAlarm(
        file=stream.files[index],
        at_s=round(max(0.0, at_s - stream.starts_s[index]), 2),
        label=label,
        posterior=round(posterior, 4),
    )
