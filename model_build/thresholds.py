"""Per-label thresholds for a budget of false alarms.

Two different mistakes bound a threshold from below. A detection while *no target* sounds is a false alarm: it
is counted on long recordings that hold none and on the clips of labels that are never detected, and the
recipe's ``budget_per_h`` limits it over all labels together. A detection while *another target* sounds is a
confusion: the recipe's ``threshold_precision`` limits it on the clips.

Within both bounds the budget is spent where it saves most misses: from the highest candidate, always that
label is lowered next which gains most hits per false alarm. A threshold that gains nothing by being lower
stays high.

Few hours cannot resolve a small budget: when less than one false alarm is allowed on what was heard, none may
have been heard, and each threshold is then raised as far as it costs at most ``MARGIN`` of its label's clips.
That is a promise about the recordings at hand, not yet one about an hour of others; the interval in
``model-build evaluate`` says how much it is worth.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from contract.manifest import is_target
from model_build.evaluate import Heard
from model_build.recipe import DecisionRecipe
from model_build.sweep import STEP_S, count_starts, stacked

CANDIDATES = np.round(np.arange(0.30, 0.995, 0.01), 2)
"""(G,) thresholds that a label may get, from the lowest."""

MARGIN = 0.01
"""Part of a label's clips that may be missed for distance from false alarms too rare to be counted."""


def choose_thresholds(
    clips: Sequence[Heard],
    streams: Sequence[Heard],
    labels: Sequence[str],
    decision: DecisionRecipe,
    few: Collection[str] = (),
) -> dict[str, float]:
    """The threshold of each label that can be detected.

    ``clips`` are labelled clips that the model did not learn from, ``streams`` long recordings that hold no
    target. Without streams each label gets the lowest threshold that is precise enough on the clips.

    Of the labels ``few`` there are too few recordings to tell how high a threshold may stand: it stands no
    higher than that of a usual other label, unless false alarms want it.
    """
    targets = [index for index, label in enumerate(labels) if is_target(label)]
    counts = _Counts(clips, streams, labels, decision)
    floors = {index: counts.lowest_precise(index) for index in targets}
    places = dict(floors)
    if streams:
        allowed = int(decision.budget_per_h * counts.hours)
        places = spend(
            {index: counts.hit_rate(index) for index in targets},
            {index: counts.false_alarms(index) for index in targets},
            floors,
            allowed,
        )
        if allowed == 0:
            places = {index: raise_by_margin(counts.hit_rate(index), places[index]) for index in targets}
    known = [place for index, place in places.items() if labels[index] not in few]
    for index in [index for index in targets if labels[index] in few and known]:
        usual = int(np.median(known))
        places[index] = lowered(counts.false_alarms(index), places[index], max(floors[index], usual))
    return {labels[index]: float(CANDIDATES[place]) for index, place in places.items()}


def spend(
    hits: dict[int, NDArray[np.float64]],
    alarms: dict[int, NDArray[np.int64]],
    floors: dict[int, int],
    allowed: int,
) -> dict[int, int]:
    """Candidate of each label; ``hits`` and ``alarms`` (G,) fall from candidate to candidate.

    All false alarms together stay within ``allowed``, unless the highest candidates already have more.
    """
    places = {index: len(rates) - 1 for index, rates in hits.items()}
    left = allowed - sum(int(alarms[index][place]) for index, place in places.items())
    while True:
        moves = [
            (hits[index][lower] - hits[index][place], _cost(alarms[index], place, lower), index, lower)
            for index, place in places.items()
            for lower in range(floors[index], place)
        ]
        useful = [move for move in moves if move[0] > 0 and move[1] <= max(0, left)]
        if not useful:
            return places
        # Free moves first, the largest first; then most hits per alarm. Of equals the higher threshold.
        _, cost, index, lower = max(
            useful, key=lambda move: (move[1] == 0, move[0] / max(1, move[1]), -move[2], move[3])
        )
        places[index], left = lower, left - cost


def _cost(alarms: NDArray[np.int64], place: int, lower: int) -> int:
    return int(alarms[lower] - alarms[place])


def lowered(alarms: NDArray[np.int64], place: int, lowest: int) -> int:
    """The lowest candidate from ``lowest`` to ``place`` that has no more false alarms than ``place``.

    >>> lowered(np.array([3, 1, 0, 0, 0]), 4, 1), lowered(np.array([0, 0, 0]), 1, 2)
    (2, 1)
    """
    return next((lower for lower in range(lowest, place) if alarms[lower] <= alarms[place]), place)


def raise_by_margin(hits: NDArray[np.float64], place: int) -> int:
    """The highest candidate that costs at most ``MARGIN`` of the hits that ``place`` has."""
    return int(np.flatnonzero(hits >= hits[place] - MARGIN)[-1])


class _Counts:
    """What would have been detected at each candidate."""

    def __init__(
        self,
        clips: Sequence[Heard],
        streams: Sequence[Heard],
        labels: Sequence[str],
        decision: DecisionRecipe,
    ) -> None:
        self._decision = decision
        self._truth = np.array([labels.index(clip.label) for clip in clips])
        self._levels = np.tile(CANDIDATES, (len(labels), 1))
        self._clips = self._count(clips)
        empty = np.array([not is_target(clip.label) for clip in clips])
        steps = sum(stream.posteriors.shape[0] for stream in streams)
        steps += sum(clip.posteriors.shape[0] for clip, none in zip(clips, empty, strict=True) if none)
        self.hours = steps * STEP_S / 3600
        """Length of everything that holds no target."""
        self._alarms = self._clips[empty].sum(axis=0)
        # One at a time: streams differ in length, and hours of them side by side would fill the memory.
        for stream in streams:
            self._alarms = self._alarms + self._count([stream])[0]

    def _count(self, heard: Sequence[Heard]) -> NDArray[np.int64]:
        average = stacked([one.posteriors for one in heard], self._decision.smoothing_s)
        return count_starts(average, self._levels, self._decision.refractory_s)

    def hit_rate(self, index: int) -> NDArray[np.float64]:
        """(G,) part of the label's clips in which it is detected."""
        own = self._clips[self._truth == index, index] > 0
        return np.asarray(own.mean(axis=0) if len(own) else np.zeros(CANDIDATES.size))

    def false_alarms(self, index: int) -> NDArray[np.int64]:
        """(G,) detections of the label where there is no target.

        Two may run together at a lower threshold, which makes it no better: never fewer than at a higher one.
        """
        return np.asarray(np.maximum.accumulate(self._alarms[index][::-1])[::-1])

    def lowest_precise(self, index: int) -> int:
        """The lowest candidate that the recipe allows at which enough of the clips' detections are right."""
        said = self._clips[:, index] > 0
        right, all_of_them = said[self._truth == index].sum(axis=0), said.sum(axis=0)
        precise = right >= self._decision.threshold_precision * np.maximum(1, all_of_them)
        allowed = precise & (self._decision.threshold_least <= CANDIDATES) & (all_of_them > 0)
        return int(np.argmax(allowed)) if allowed.any() else CANDIDATES.size - 1
