"""What is measured is kept in files, so that an interrupted comparison goes on where it was."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from model_build.compare.alarms import Alarms
from model_build.compare.contender import Form, Plain
from model_build.console import write_whole
from model_build.dataset import Corpus
from model_build.errors import ModelBuildError

VERSION: Final = 1
"""Raised when contenders change, so that what older ones measured is not taken for theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One contender, trained once and judged once."""

    model: str
    seed: int
    round: str
    settings: Plain
    examples: int
    """That it could learn from, copies included."""
    fit_s: float
    """Processor time of learning."""
    truth: tuple[int, ...]
    said: tuple[int, ...]
    """Index of each clip's label, and of what the contender said."""
    alarms: Alarms
    forms: tuple[Form, ...]

    @property
    def accuracy(self) -> float:
        """Part of the clips that were named rightly."""
        return sum(a == b for a, b in zip(self.truth, self.said, strict=True)) / len(self.truth)


class Store:
    """A folder of results, each under the digest of all that it depends on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "results"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelBuildError(f"{folder}: cannot be made: {error.strerror or error}") from error

    def result(self, name: str, depends: Mapping[str, Any]) -> Result | None:
        """The result kept under this name, if it depends on exactly this."""
        plain = self.plain(name, depends)
        if plain is None:
            return None
        return Result(**{
            **plain,
            "truth": tuple(plain["truth"]),
            "said": tuple(plain["said"]),
            "alarms": Alarms(**plain["alarms"]),
            "forms": tuple(Form(**form) for form in plain["forms"]),
        })  # fmt: skip

    def keep(self, name: str, depends: Mapping[str, Any], result: Result) -> None:
        """Keep ``result``."""
        self.keep_plain(name, depends, dataclasses.asdict(result))

    def plain(self, name: str, depends: Mapping[str, Any]) -> dict[str, Any] | None:
        """What was kept, as JSON has it; none if there is nothing or it cannot be read."""
        try:
            kept = json.loads(self._path(name, depends).read_text())
        except (OSError, ValueError):
            return None
        return kept if isinstance(kept, dict) else None

    def keep_plain(self, name: str, depends: Mapping[str, Any], plain: Mapping[str, Any]) -> None:
        """Keep what JSON can hold."""
        write_whole(self._path(name, depends), json.dumps(plain, allow_nan=False).encode())

    def _path(self, name: str, depends: Mapping[str, Any]) -> Path:
        digest = digest_of({"version": VERSION, **depends})[:16]
        return self._folder / f"{name.replace(' ', '-')}-{digest}.json"


def digest_of(plain: Mapping[str, Any]) -> str:
    """SHA-256 of a mapping, whatever the order of its keys.

    >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()


def fingerprint(corpus: Corpus) -> str:
    """Digest of the names and sizes of the files of ``corpus``, wherever they lie."""
    rows = [[clip.split, clip.word, clip.path.name, _size(clip.path)] for clip in corpus.clips]
    noises = [[path.name, _size(path)] for path in corpus.noises]
    return digest_of({"clips": rows, "noises": noises})


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def or_none(value: float) -> float | None:
    """``value``, or none where JSON has no number for it."""
    return value if math.isfinite(value) else None
