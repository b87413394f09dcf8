"""Which reviews go into a snapshot, and under which labels. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from contract.manifest import is_target

SPLITS: Final = ("training", "validation", "test")
"""In the order of the numbers that a snapshot has for them."""
_SILENCE: Final = "_silence_"
_UNKNOWN: Final = "_unknown_"


class Reviewed(Protocol):
    """What people said of one window."""

    @property
    def window_id(self) -> int:
        """Row of the window."""

    @property
    def label(self) -> str | None:
        """What it is; None: none of the labels."""

    @property
    def agreed(self) -> bool:
        """False while reviewers contradict each other."""

    @property
    def split(self) -> str:
        """One of ``SPLITS``."""


class ReviewedWindows(Protocol):
    """Where reviews come from."""

    def reviewed(self, frontend_digest: str) -> Sequence[Reviewed]:
        """Every reviewed window whose frames are of that front end."""


class NothingReviewed:
    """No reviews at all."""

    def reviewed(self, frontend_digest: str) -> Sequence[Reviewed]:  # noqa: ARG002
        """None."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What people said of one window, in the words of the base."""

    window_id: int
    label: str | None
    agreed: bool
    split: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a snapshot is made of, before any feature is read."""

    labels: tuple[str, ...]
    none: str
    reviews: tuple[Reviewed, ...]
    left_out: Mapping[str, int]
    """New labels of which there is too little, with their windows."""


def choose(
    reviewed: Sequence[Reviewed],
    base_labels: Sequence[str],
    *,
    least: int,
    meant: Mapping[str, str] | None = None,
) -> Chosen:
    """The agreed reviews of labels that can be learned.

    ``meant`` says what names of labels count as today. A label that the base knows by an earlier name keeps
    that one here: else its windows would teach a new label that sounds like the old.

    A new label needs ``least`` windows in training and one in validation, by which the factory chooses when
    it counts as heard. The base's labels come first, in their order, then the new ones by name.
    """
    agreed = [one for one in _in_words_of(base_labels, reviewed, meant or {}) if one.agreed]
    learned = Counter(one.label for one in agreed if one.split == SPLITS[0])
    judged = {one.label for one in agreed if one.split == SPLITS[1]}
    new = sorted({one.label for one in agreed if one.label is not None} - set(base_labels))
    enough = [label for label in new if learned[label] >= least and label in judged]
    thin = Counter(one.label for one in agreed if one.label is not None and one.label in set(new))
    for label in enough:
        del thin[label]
    return Chosen(
        labels=(*base_labels, *enough),
        none=none_of(base_labels),
        reviews=tuple(one for one in agreed if one.label not in thin),
        left_out=dict(sorted(thin.items())),
    )


def _in_words_of(
    base_labels: Sequence[str], reviewed: Sequence[Reviewed], meant: Mapping[str, str]
) -> list[Answer]:
    earlier: dict[str | None, str] = {}
    for label in base_labels:
        today = meant.get(label, label)
        if today not in base_labels:
            earlier.setdefault(today, label)
    return [
        Answer(
            window_id=one.window_id,
            label=earlier.get(one.label, one.label),
            agreed=one.agreed,
            split=one.split,
        )
        for one in reviewed
    ]


def none_of(labels: Sequence[str]) -> str:
    """The label that stands for sounds that are none of the others.

    >>> none_of(["yes", "_silence_", "_unknown_"]), none_of(["dog", "_background_"]), none_of(["dog"])
    ('_unknown_', '_background_', '_unknown_')
    """
    rest = [label for label in labels if not is_target(label)]
    others = [label for label in rest if label != _SILENCE]
    return _UNKNOWN if _UNKNOWN in rest else next(iter(others or rest), _UNKNOWN)
