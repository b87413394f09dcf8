"""What a data set is too thin for, a sentence each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from aggregator.domain.splits import TEST, TRAINING, VALIDATION

FEWEST: Final = 20
"""Windows of a label below which nothing dependable is learned."""

FEWEST_RECORDINGS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the data set holds of one label."""

    label: str
    by_split: dict[str, int] = field(default_factory=dict)
    places: int = 0
    """Sites, or nodes without a site, that it was heard at."""
    recordings: int = 0
    """Quarters of an hour at one place."""

    @property
    def windows(self) -> int:
        """In all splits."""
        return sum(self.by_split.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Thin:
    """One thing that the data set lacks."""

    label: str
    sentence: str
    prevents: bool
    """Whether the label cannot be learned, or not be judged, before this is mended."""
    empty: bool = False
    """Whether nobody has given the label yet."""


def thin(held: Iterable[Held]) -> tuple[Thin, ...]:
    """What is missing, what prevents learning first.

    >>> owl = Held(label="owl", by_split={"training": 40}, places=2, recordings=9)
    >>> print(thin([owl])[0].sentence)
    “owl” has no window for validation: training could not tell when to stop. Answer windows of other hours.
    """
    found = [one for item in held for one in _of_label(item)]
    return tuple(sorted(found, key=lambda one: not one.prevents))


def _of_label(held: Held) -> Iterator[Thin]:
    label, name = held.label, f"“{held.label}”"
    if not held.windows:
        yield Thin(label=label, sentence=f"{name} has no answered window yet.", prevents=True, empty=True)
        return
    if not held.by_split.get(TRAINING):
        sentence = f"{name} has no window to learn from: all of its hours fell into other splits."
        yield Thin(label=label, sentence=f"{sentence} Answer windows of other hours.", prevents=True)
    if not held.by_split.get(VALIDATION):
        sentence = f"{name} has no window for validation: training could not tell when to stop."
        yield Thin(label=label, sentence=f"{sentence} Answer windows of other hours.", prevents=True)
    if held.windows < FEWEST:
        count = f"{held.windows} window{'' if held.windows == 1 else 's'}"
        sentence = f"{name} has {count}; below {FEWEST}, what is learned of it depends on chance."
        yield Thin(label=label, sentence=sentence, prevents=False)
    if held.by_split.get(VALIDATION) and not held.by_split.get(TEST) and held.windows >= FEWEST:
        sentence = f"{name} has no window for the test: the gate judges it by validation alone."
        yield Thin(label=label, sentence=sentence, prevents=False)
    if held.recordings < FEWEST_RECORDINGS:
        hours = "one quarter of an hour" if held.recordings == 1 else f"{held.recordings} quarters of an hour"
        sentence = f"{name} was heard in {hours} only: a model would learn that moment, not the sound."
        yield Thin(label=label, sentence=sentence, prevents=False)
    elif held.places == 1:
        sentence = f"{name} was heard at one place only: a model may learn the place instead of the sound."
        yield Thin(label=label, sentence=sentence, prevents=False)
