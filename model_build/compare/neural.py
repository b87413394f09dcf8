"""Contenders that are networks: trained by the factory's own trainer on the recipe's copies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S
from contract.clip import decide_clip
from model_build.answers import posteriors_of
from model_build.batches import Copies
from model_build.compare.bench import Clips, Lessons, frames_of, seconds_of
from model_build.compare.contender import Form, Plain
from model_build.compare.names import TITLES
from model_build.compare.networks import NETWORKS, DsCnn
from model_build.compare.windows import STEPS_PER_DECISION, decision_ends, endings, judge_along
from model_build.dataset import Progress
from model_build.examples import ExampleSet
from model_build.network import Network
from model_build.recipe import Recipe
from model_build.shape import STEP_FRAMES
from model_build.train import train

Posteriors = NDArray[np.float32]


class Neural:
    """A kind of network, with the recipe's own numbers for its training."""

    def __init__(self, kind: str, recipe: Recipe) -> None:
        self._kind, self._recipe = kind, recipe
        self._title = TITLES[kind]
        self.copies = recipe.augment.copies

    def tune(self, lessons: Lessons, progress: Progress) -> Plain:  # noqa: ARG002
        """Nothing: rate, decay, and epochs are the recipe's for all networks."""
        return {"epochs": self._recipe.training.epochs, "copies": self.copies}

    def fit(self, lessons: Lessons, settings: Plain, seed: int, progress: Progress) -> "FittedNetwork":  # noqa: ARG002
        """Train for the recipe's epochs."""
        kind = NETWORKS[self._kind]
        frames = window_frames(self._recipe)
        copies: Sequence[ExampleSet] = lessons.copies
        if kind is DsCnn and self._recipe.training.excerpt_s is None:
            copies = [endings(copy, frames) for copy in copies]

        def make(recipe: Recipe, seed: int) -> Network:
            return kind(recipe.network, len(recipe.labels), seed)

        def named(what: str, done: int, total: int) -> None:
            progress(f"{self._title}: {what}", done, total)

        network = train(self._recipe, Copies(self._recipe, copies), seed, named, make=make)
        fitted = FittedWindows if kind is DsCnn else FittedNetwork
        return fitted(self._kind, network, self._recipe, lessons.plain.features[:200])


class FittedNetwork:
    """A network that says something after every step."""

    step_s = seconds_of(STEP_FRAMES)

    def __init__(self, kind: str, network: Network, recipe: Recipe, shown: NDArray[np.int8]) -> None:
        self._kind, self._network, self._recipe, self._shown = kind, network, recipe, shown
        self._answers = posteriors_of(network)

    def decide(self, clips: Clips) -> NDArray[np.int64]:
        """(N,) by the recipe's rule for clips."""
        return decide_each(self._recipe, self.follow(clips.features), clips.levels_db)

    def follow(self, features: NDArray[np.int8]) -> Posteriors:
        """(N, steps, K) posteriors."""
        return self._answers.to(features)

    def forms(self, clips: Clips) -> tuple[Form, ...]:
        """As the bundle would hold it (ours), and with int8 weights."""
        from model_build.compare.deploy import deployed

        return deployed(self._kind, self._network, self._recipe, self._shown, clips)


class FittedWindows(FittedNetwork):
    """A network that judges a window as a whole."""

    step_s = seconds_of(STEP_FRAMES * STEPS_PER_DECISION)

    def decide(self, clips: Clips) -> NDArray[np.int64]:
        """(N,) of the whole clip if that is what it learned, else of all windows by the recipe's rule."""
        frames, stride = window_frames(self._recipe), STEP_FRAMES * STEPS_PER_DECISION
        if frames >= clips.features.shape[1]:
            return np.asarray(self._judge(clips.features).argmax(axis=1))
        posteriors = self.follow(clips.features)
        ends = decision_ends(clips.features.shape[1], stride)
        heard = ends >= frames
        spans = [slice((end - frames) // STEP_FRAMES, end // STEP_FRAMES) for end in ends[heard]]
        levels_db = np.stack([clips.levels_db[:, span].max(axis=1) for span in spans], axis=1)
        return decide_each(self._recipe, posteriors[:, heard], levels_db)

    def follow(self, features: NDArray[np.int8]) -> Posteriors:
        """(N, decisions, K) posteriors of the last window."""
        stride = STEP_FRAMES * STEPS_PER_DECISION
        return judge_along(self._judge, features, window_frames(self._recipe), stride)

    def _judge(self, windows: NDArray[np.int8]) -> Posteriors:
        return FittedNetwork.follow(self, windows)[:, -1]


def window_frames(recipe: Recipe) -> int:
    """What a network without memory hears at once: as much as it was trained on."""
    if recipe.training.excerpt_s is None:
        return frames_of(recipe.clip_s)
    frames = min(round(recipe.training.excerpt_s * FRAMES_PER_S), frames_of(recipe.clip_s))
    return frames // STEP_FRAMES * STEP_FRAMES


def decide_each(recipe: Recipe, posteriors: Posteriors, levels_db: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N,) labels by the node's rule from posteriors (N, decisions, K) and levels (N, decisions)."""
    rule, gate_db = recipe.decision.clip_rule, recipe.decision.clip_gate_db
    decided = [
        decide_clip(rows, levels, rule=rule, gate_db=gate_db)[0]
        for rows, levels in zip(posteriors.tolist(), levels_db.tolist(), strict=True)
    ]
    return np.array(decided, dtype=np.int64)
