"""Loader of the Speech Commands layout: one folder per word, split by speaker."""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from model_build.dataset import TESTING, TRAINING, VALIDATION, Clip, Corpus
from model_build.errors import DatasetError

NOISE_FOLDER = "_background_noise_"
SUFFIXES = frozenset({".wav", ".flac", ".opus", ".ogg"})
_BUCKETS = 2**27 - 1
_PERCENT = {VALIDATION: 10.0, TESTING: 10.0}


def find(folder: Path) -> Corpus:
    """The clips below ``folder``: a folder per split, or the public archive with or without its lists."""
    split_folders = [name for name in (TRAINING, VALIDATION, TESTING) if (folder / name).is_dir()]
    if split_folders:
        clips = [clip for name in split_folders for clip in _words(folder / name, _always(name))]
    else:
        listed = _lists(folder)
        clips = list(_words(folder, lambda path: _split(folder, path, listed)))
    if not clips:
        raise DatasetError(
            f"{folder}: holds no clips; expected <word>/<speaker>_nohash_<n>.wav, as in Speech Commands"
        )
    noise = folder / NOISE_FOLDER
    return Corpus(
        name="Google Speech Commands v0.02",
        licence="CC BY 4.0",
        source="Warden 2018, arXiv:1804.03209",
        clips=tuple(clips),
        noises=tuple(_sounds(noise)) if noise.is_dir() else (),
    )


def split_by_hash(file_name: str) -> str:
    """The split that the data set's own rule gives a file: one speaker is always in one split.

    >>> split_by_hash("0a7c2a8d_nohash_0.wav") == split_by_hash("0a7c2a8d_nohash_1.opus")
    True
    """
    speaker = speaker_of(file_name)
    # The archive's rule is defined with SHA-1; nothing is protected by it.
    digest = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    percent = digest % (_BUCKETS + 1) * (100.0 / _BUCKETS)
    if percent < _PERCENT[VALIDATION]:
        return VALIDATION
    return TESTING if percent < _PERCENT[VALIDATION] + _PERCENT[TESTING] else TRAINING


def speaker_of(file_name: str) -> str:
    """Who speaks in a file of the archive.

    >>> speaker_of("0a7c2a8d_nohash_0.wav")
    '0a7c2a8d'
    """
    return re.sub(r"_nohash_.*$", "", file_name)


def _always(split: str) -> Callable[[Path], str]:
    return lambda _path: split


def _split(folder: Path, path: Path, listed: dict[str, str] | None) -> str:
    if listed is None:
        return split_by_hash(path.name)
    return listed.get(path.relative_to(folder).as_posix(), TRAINING)


def _lists(folder: Path) -> dict[str, str] | None:
    """Split of each listed file, or none where the archive's lists are absent."""
    found = {name: folder / f"{name}_list.txt" for name in (VALIDATION, TESTING)}
    if not all(path.is_file() for path in found.values()):
        return None
    return {line.strip(): name for name, path in found.items() for line in path.read_text().splitlines()}


def _words(folder: Path, split_of: Callable[[Path], str]) -> Iterator[Clip]:
    for word in sorted(path for path in folder.iterdir() if path.is_dir()):
        if not word.name.startswith(("_", ".")):
            for path in _sounds(word):
                yield Clip(path=path, word=word.name, split=split_of(path), group=speaker_of(path.name))


def _sounds(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
