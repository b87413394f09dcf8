"""Where normal sound lies and, if there are any, anomalies to measure on; split by file, never within one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.audio import RATE_HZ
from model_build import esc50
from model_build.audio_file import SUFFIXES, read_pcm
from model_build.dataset import TESTING, TRAINING, VALIDATION, Pcm, Progress
from model_build.errors import DatasetError

NORMAL = "normal"
ANOMALOUS = "anomalous"
SPLITS = (TRAINING, VALIDATION, TESTING)

_HELD_OUT_PART = 0.2
"""Part of the files of normal sound in each of validation and testing."""
_LEAST_FILES = 3
_SHORTEST_S = 1.0
"""A file that is shorter says nothing about a machine."""
_LEAST_TRAINING_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A file that has not been opened yet."""

    path: Path
    kind: str
    """``normal``, or which anomaly it is"""
    split: str
    """Anomalies are all ``testing``: nothing is learned from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A decoded recording."""

    recording: Recording
    pcm: Pcm


@dataclass(frozen=True, slots=True, kw_only=True)
class Takes:
    """Everything decoded, and what could not be."""

    takes: tuple[Take, ...]
    broken: tuple[str, ...]
    """One sentence for each file that was skipped."""

    def normal(self, *splits: str) -> tuple[Take, ...]:
        """Normal sound of these splits."""
        return tuple(t for t in self.takes if t.recording.kind == NORMAL and t.recording.split in splits)

    def anomalous(self) -> tuple[Take, ...]:
        """Every anomaly."""
        return tuple(take for take in self.takes if take.recording.kind != NORMAL)


def find_recordings(folder: Path, normal: Sequence[str] = ()) -> tuple[Recording, ...]:
    """What ``folder`` holds; ``DatasetError`` says what is missing.

    With ``normal`` it is in the layout of ESC-50, and these categories are normal.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is not a folder")
    found = _in_table(folder, normal) if normal else _in_folders(folder)
    count = sum(recording.kind == NORMAL for recording in found)
    if count < _LEAST_FILES:
        raise DatasetError(
            f"{folder}: holds {count} recordings of normal sound, and needs {_LEAST_FILES} at the least: some"
            " to learn from, some to choose the threshold on, some to measure on"
        )
    return found


def load_takes(recordings: Sequence[Recording], progress: Progress, limit: int | None = None) -> Takes:
    """Decode; a file that cannot be read, is too short or silent is left out and named.

    ``limit`` is the most recordings of each kind and split.
    """
    takes, broken = [], []
    recordings = _first(recordings, limit)
    for index, recording in enumerate(recordings):
        try:
            pcm = read_pcm(recording.path)
            if pcm.size < _SHORTEST_S * RATE_HZ:
                raise DatasetError(f"{recording.path}: is shorter than {_SHORTEST_S:g} s")
            if not pcm.any():
                raise DatasetError(f"{recording.path}: is silent throughout")
            takes.append(Take(recording=recording, pcm=pcm))
        except DatasetError as error:
            broken.append(str(error))
        progress("reading recordings", index + 1, len(recordings))
    return Takes(takes=tuple(takes), broken=tuple(broken))


def require_enough(takes: Takes) -> None:
    """``DatasetError`` unless what could be read suffices to train, to choose a threshold and to measure."""
    first = f"; the first file left out: {takes.broken[0]}" if takes.broken else ""
    for split in SPLITS:
        if not takes.normal(split):
            raise DatasetError(f"no normal recording for {split} could be read{first}")
    seconds = sum(take.pcm.size for take in takes.normal(TRAINING)) / RATE_HZ
    if seconds < _LEAST_TRAINING_S:
        raise DatasetError(
            f"only {seconds:.0f} s of normal sound to learn from; {_LEAST_TRAINING_S:.0f} s are needed{first}"
        )


def _first(recordings: Sequence[Recording], limit: int | None) -> list[Recording]:
    taken: dict[tuple[str, str], int] = {}
    kept = []
    for recording in recordings:
        key = recording.kind, recording.split
        taken[key] = taken.get(key, 0) + 1
        if limit is None or taken[key] <= limit:
            kept.append(recording)
    return kept


def _in_folders(folder: Path) -> tuple[Recording, ...]:
    if not (folder / NORMAL).is_dir():
        raise DatasetError(
            f"{folder}: has no folder {NORMAL}/ with recordings of the machine as it should sound"
        )
    normal = _sound_files(folder / NORMAL)
    if not normal:
        raise DatasetError(f"{folder / NORMAL}: holds no sound file ({', '.join(sorted(SUFFIXES))})")
    splits = _split([path.relative_to(folder).as_posix() for path in normal])
    found = [
        Recording(path=path, kind=NORMAL, split=split) for path, split in zip(normal, splits, strict=True)
    ]
    for path in _sound_files(folder / ANOMALOUS):
        inner = path.relative_to(folder / ANOMALOUS).parts
        kind = inner[0] if len(inner) > 1 else ANOMALOUS
        found.append(Recording(path=path, kind=kind, split=TESTING))
    return tuple(found)


def _in_table(folder: Path, normal: Sequence[str]) -> tuple[Recording, ...]:
    clips = esc50.find(folder).clips
    known = {clip.word for clip in clips}
    missing = [category for category in normal if category not in known]
    if missing:
        raise DatasetError(f"{folder}: no clip of {', '.join(missing)}, which the recipe calls normal")
    folds = sorted({clip.split for clip in clips})
    if len(folds) < len(SPLITS):
        raise DatasetError(f"{folder}: needs clips of three folds, to learn, to choose and to measure")
    of_fold = dict.fromkeys(folds, TRAINING) | {folds[-2]: VALIDATION, folds[-1]: TESTING}
    return tuple(
        Recording(path=clip.path, kind=NORMAL, split=of_fold[clip.split])
        if clip.word in normal
        else Recording(path=clip.path, kind=clip.word, split=TESTING)
        for clip in clips
    )


def _sound_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _split(names: Sequence[str]) -> list[str]:
    """A split for each name, by its hash: neighbours in time are spread, and every run splits alike."""
    shuffled = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    held_out = max(1, round(len(names) * _HELD_OUT_PART))
    of_name = dict.fromkeys(shuffled, TRAINING)
    of_name |= dict.fromkeys(shuffled[:held_out], TESTING)
    of_name |= dict.fromkeys(shuffled[held_out : 2 * held_out], VALIDATION)
    return [of_name[name] for name in names]
