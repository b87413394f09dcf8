"""What a candidate is judged by while it is made, and what is chosen on that."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from model_build.errors import SnapshotError
from model_build.evaluate import Heard, Listener, score
from model_build.examples import distort
from model_build.network import Network
from model_build.recipe import Recipe
from model_build.retrain.base import Base
from model_build.retrain.excerpts import clip_frames, varied
from model_build.retrain.growth import known_network
from model_build.retrain.hearing import Clip, Ear, base_clips, clip_of, hear_clips, none_clips, window_clips
from model_build.retrain.leaning import count_right, most_lean
from model_build.retrain.snapshot import VALIDATION, Snapshot
from model_build.temperature import fit_temperature
from model_build.thresholds import choose_thresholds

VALIDATION_WINDOWS = 1000
"""Windows that temperature and thresholds are chosen on, at most."""
WATCHED_CLIPS = 400
"""Clips on which the accuracy after each epoch is measured."""
LEAST_JUDGES = 20
"""Fewer clips than these do not choose a temperature."""
LEAST_TEMPERATURE = 0.4
"""Clips without a single mistake would have a model sound as sure as numbers allow."""

LEAN_LOSS = 0.009
"""Part of the base's clips that may be lost against the base for new labels: less than the gate tolerates."""


class Exam:
    """What a candidate is judged by while it is made: nothing of it was learned from by windows or clips.

    Where the base itself learned the clips that it was measured on (cross-validation), they say nothing, and
    the windows alone judge.
    """

    def __init__(self, recipe: Recipe, base: Base, snapshot: Snapshot, starts: NDArray[np.int64]) -> None:
        self._recipe, self._base, self._snapshot = recipe, base, snapshot
        windows = snapshot.of(VALIDATION)
        if len(windows) > VALIDATION_WINDOWS:
            windows = windows[:: -(-len(windows) // VALIDATION_WINDOWS)]
        length = clip_frames(recipe)
        self.base_clips = base_clips(base)
        self.window_clips = window_clips(recipe, snapshot, windows.tolist(), starts, length)
        self.varied = [*self._varied(windows.tolist(), starts)]
        self.nothing = [*none_clips(snapshot, windows.tolist(), recipe.silence)]
        learned = base.origin.validation_learned
        self.judges = [*([] if learned else self.base_clips), *self.window_clips]
        if not self.judges:
            raise SnapshotError("no labelled window is held back for validation; review more of them")
        self._watched = self.judges[:: -(-len(self.judges) // WATCHED_CLIPS)]

    def accuracy(self, network: Network) -> float:
        """Part of some of the judges that the network is right about."""
        heard = Ear(network).hear(self._watched)
        return score(heard, self._recipe.labels, self._recipe.decision).accuracy

    def lean(self, network: Network) -> float:
        """What is to be added to the network's logits of new labels; see ``leaning``.

        Nothing where no honest clip tells what it costs.
        """
        base, labels, decision = self._base, self._recipe.labels, self._recipe.decision
        new = [label for label in labels if label not in base.labels]
        if not new or not self.base_clips or base.origin.validation_learned:
            return 0.0
        known = count_right(Ear(known_network(base)).hear(self.base_clips), base.labels, decision)
        least = known - int(LEAN_LOSS * len(self.base_clips))
        return most_lean(Ear(network).hear(self.base_clips), labels, new, decision, least)

    def temperature(self, network: Network) -> float:
        """What the network's logits are to be divided by."""
        if len(self.judges) < LEAST_JUDGES:
            return self._base.origin.temperature
        heard = Ear(network).hear(self.judges)
        fit = fit_temperature(heard, self._recipe.labels, self._recipe.decision)
        return max(LEAST_TEMPERATURE, fit.temperature)

    def thresholds(self, classifier: Listener, streams: Sequence[Heard]) -> dict[str, float]:
        """The threshold of each label; those of old labels stay where no honest clip could choose them."""
        clips = hear_clips(classifier, [*self.base_clips, *self.window_clips, *self.varied, *self.nothing])
        new = [label for label in self._recipe.targets if label not in self._base.labels]
        chosen = choose_thresholds(clips, streams, self._recipe.labels, self._recipe.decision, new)
        return chosen | (dict(self._base.origin.thresholds) if self._base.origin.validation_learned else {})

    def _varied(self, windows: Sequence[int], starts: NDArray[np.int64]) -> Iterator[Clip]:
        """Varied clips of the windows of each new label, until it has as many clips as an old label.

        How many detections are right depends on how often a label sounds; few windows of it must not say
        that it is rare, nor that all that is called so sounds like these.
        """
        recipe, snapshot = self._recipe, self._snapshot
        known = np.count_nonzero(self._base.validation.truth < len(self._base.recipe.targets))
        draw = np.random.default_rng(0)
        for label in recipe.targets[len(self._base.recipe.targets) :]:
            own = [index for index in windows if snapshot.name(index) == label]
            wanted = round(known / len(self._base.recipe.targets)) - len(own)
            for place in range(max(0, wanted) if own else 0):
                index = own[place % len(own)]
                clip = varied(recipe, snapshot.window(index), int(starts[index]), draw)
                changed = distort(clip[None], recipe, draw)[0]
                yield clip_of(label, np.round(changed).astype(np.int8))
