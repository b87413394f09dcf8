"""What was measured of a bundle when it was judged: the answers to each held-out item, and counts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from aggregator.domain.alarm_rates import Alarms
from aggregator.errors import FiguresError
from contract.manifest import is_target

SCHEMA: Final = 1
SPLITS: Final = ("training", "validation", "test")
_MOST_ITEMS: Final = 1_000_000
_MOST_LABELS: Final = 1000
_LONGEST_LABEL: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a bundle said of one item. None, like labels in underscores, means that a node reports nothing."""

    item: int
    """Id of the window, or number of the base clip."""
    truth: str | None
    said: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One review beside what all other reviews, and the base, say of its window."""

    window: int
    truth: str | None
    """What people said."""
    others: str | None
    doubt: float
    """How much more the others are for what they say."""

    @property
    def confirmed(self) -> bool:
        """Whether they say the same, as far as a node would report it."""
        return reported(self.truth) == reported(self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything that the gate asks of a bundle."""

    bundle_digest: str
    labels: tuple[str, ...]
    size_bytes: int
    cost_ms_per_s: float
    """Computing time per second of sound."""
    parity: Mapping[str, float]
    windows: tuple[Answer, ...]
    """Held-out reviewed windows."""
    clips: tuple[Answer, ...]
    """The base's held-out clips."""
    streams: Alarms
    """False alarms in held-out recordings without any target."""
    silence: Alarms
    noise: Alarms
    reviews: tuple[Checked, ...] = ()
    """Every review of the snapshot, or many; none in what was measured by earlier versions."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The labels that can be detected."""
        return tuple(label for label in self.labels if is_target(label))


def reported(label: str | None) -> str | None:
    """The label that a node would report; None where it says nothing.

    >>> reported("dog"), reported("_silence_"), reported(None)
    ('dog', None, None)
    """
    return label if label is not None and is_target(label) else None


def read_figures(plain: Any) -> Figures:
    """The figures that ``model-build judge`` wrote; ``FiguresError`` names what is wrong."""
    content = _mapping(plain, "the figures")
    if content.get("schema") != SCHEMA:
        raise FiguresError(f"schema: this program knows only {SCHEMA}")
    streams, nothing = (_mapping(content.get(name), name) for name in ("streams", "nothing"))
    nothing_hours = _real(nothing.get("hours"), "nothing.hours")
    return Figures(
        bundle_digest=_label(content.get("bundle_digest"), "bundle_digest", 64),
        labels=_labels(content.get("labels")),
        size_bytes=_whole(content.get("size_bytes"), "size_bytes"),
        cost_ms_per_s=_real(content.get("cost_ms_per_s"), "cost_ms_per_s"),
        parity={
            str(name): float(value)
            for name, value in _mapping(content.get("parity"), "parity").items()
            if _is_number(value)
        },
        windows=_answers(content.get("windows"), "windows", "window_id"),
        clips=_answers(content.get("base"), "base", "clip"),
        streams=Alarms(
            count=_whole(streams.get("false_alarms"), "streams.false_alarms"),
            hours=_real(streams.get("hours"), "streams.hours"),
        ),
        silence=_nothing(nothing, "silence_detections", nothing_hours),
        noise=_nothing(nothing, "noise_detections", nothing_hours),
        reviews=tuple(_checked(one) for one in _items(content.get("reviews", ()), "reviews")),
    )


def shared(first: Figures, second: Figures) -> tuple[Figures, Figures]:
    """Both figures with only those items that both were asked: what can be compared at all."""
    windows = {one.item for one in first.windows} & {one.item for one in second.windows}
    clips = {one.item for one in first.clips} & {one.item for one in second.clips}

    def cut(figures: Figures) -> Figures:
        return replace(
            figures,
            windows=tuple(one for one in figures.windows if one.item in windows),
            clips=tuple(one for one in figures.clips if one.item in clips),
        )

    return cut(first), cut(second)


def in_words_of(figures: Figures, labels: Sequence[str], meant: Mapping[str, str]) -> Figures:
    """``figures`` of a bundle as one with ``labels`` would have put them.

    A label that was renamed, or merged into another, after a bundle had learned it is still what the bundle
    says. ``meant`` is what each name counts as today.
    """
    other = {
        label: meant[label]
        for label in figures.labels
        if label not in labels and meant.get(label) in labels and meant[label] not in figures.labels
    }

    def put(answers: Sequence[Answer]) -> tuple[Answer, ...]:
        return tuple(replace(one, said=other.get(one.said or "", one.said)) for one in answers)

    return replace(
        figures,
        labels=tuple(other.get(label, label) for label in figures.labels),
        windows=put(figures.windows),
        clips=put(figures.clips),
    )


def _nothing(plain: Mapping[str, Any], name: str, hours: float) -> Alarms:
    return Alarms(count=_whole(plain.get(name), f"nothing.{name}"), hours=hours)


def _items(plain: Any, where: str) -> Sequence[Any]:
    if not isinstance(plain, Sequence) or isinstance(plain, str | bytes) or len(plain) > _MOST_ITEMS:
        raise FiguresError(f"{where}: is not a list of answers")
    return plain


def _answers(plain: Any, where: str, key: str) -> tuple[Answer, ...]:
    answers = tuple(_answer(one, where, key) for one in _items(plain, where))
    if len({one.item for one in answers}) != len(answers):
        raise FiguresError(f"{where}: an item stands twice")
    return answers


def _answer(plain: Any, where: str, key: str) -> Answer:
    content = _mapping(plain, where)
    if content.get("split") == SPLITS[0]:
        raise FiguresError(f"{where}: holds items that were learned from")
    truth, said = (_said(content, name, where) for name in ("truth", "said"))
    return Answer(item=_whole(content.get(key), f"{where}.{key}"), truth=truth, said=said)


def _checked(plain: Any) -> Checked:
    content = _mapping(plain, "reviews")
    if not _is_number(content.get("doubt")):
        raise FiguresError("reviews.doubt: is not a number")
    return Checked(
        window=_whole(content.get("window_id"), "reviews.window_id"),
        truth=_said(content, "truth", "reviews"),
        others=_said(content, "others", "reviews"),
        doubt=float(content["doubt"]),
    )


def _said(content: Mapping[str, Any], name: str, where: str) -> str | None:
    return None if content.get(name) is None else _label(content[name], f"{where}.{name}", _LONGEST_LABEL)


def _labels(plain: Any) -> tuple[str, ...]:
    if not isinstance(plain, Sequence) or isinstance(plain, str) or not 1 <= len(plain) <= _MOST_LABELS:
        raise FiguresError("labels: is not a list of labels")
    return tuple(_label(one, "labels", _LONGEST_LABEL) for one in plain)


def _label(plain: Any, where: str, most: int) -> str:
    if not isinstance(plain, str) or not 1 <= len(plain) <= most:
        raise FiguresError(f"{where}: is not a text of 1 to {most} characters")
    return plain


def _mapping(plain: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(plain, Mapping):
        raise FiguresError(f"{where}: is not an object")
    return plain


def _whole(plain: Any, where: str) -> int:
    if type(plain) is not int or not 0 <= plain < 2**63:
        raise FiguresError(f"{where}: is not a whole number from 0")
    return plain


def _real(plain: Any, where: str) -> float:
    if not _is_number(plain) or plain < 0:
        raise FiguresError(f"{where}: is not a number from 0")
    return float(plain)


def _is_number(plain: Any) -> bool:
    return type(plain) in (int, float) and math.isfinite(plain)
