"""How a bundle turns posteriors into labels of clips and detections."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from contract.clip import clip_posteriors
from contract.detector import Detector, Found
from contract.manifest import Manifest, is_target
from model_build.evaluate import Heard
from model_build.recipe import Recipe
from model_build.sweep import STEP_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The part of a manifest that decides; a model without a bundle can be measured by the same."""

    labels: tuple[str, ...]
    thresholds: Mapping[str, float]
    smoothing_s: float
    refractory_s: float
    clip_rule: str
    clip_gate_db: float | None

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """Those of a bundle."""
        return cls(
            labels=manifest.labels,
            thresholds=manifest.thresholds,
            smoothing_s=manifest.smoothing_s,
            refractory_s=manifest.refractory_s,
            clip_rule=manifest.clip_rule,
            clip_gate_db=manifest.clip_gate_db,
        )

    @classmethod
    def chosen(cls, recipe: Recipe, thresholds: Mapping[str, float]) -> Self:
        """Those of a bundle that is still to be packed."""
        decision = recipe.decision
        return cls(
            labels=recipe.labels,
            thresholds=thresholds,
            smoothing_s=decision.smoothing_s,
            refractory_s=decision.refractory_s,
            clip_rule=decision.clip_rule,
            clip_gate_db=decision.clip_gate_db,
        )

    @property
    def targets(self) -> tuple[int, ...]:
        """Indices of the labels that can be detected."""
        return tuple(index for index, label in enumerate(self.labels) if is_target(label))

    def clip_posteriors(self, heard: Heard) -> list[float]:
        """(K,) posteriors of the clip as a whole."""
        return clip_posteriors(
            heard.posteriors.tolist(), heard.levels_db, rule=self.clip_rule, gate_db=self.clip_gate_db
        )

    def detections(self, posteriors: NDArray[np.float32]) -> list[Found]:
        """What a node reports of a stream (steps, K) with the thresholds of the bundle."""
        detector = Detector(
            self.labels,
            self.thresholds,
            smoothing_s=self.smoothing_s,
            refractory_s=self.refractory_s,
            step_s=STEP_S,
        )
        found = [detection for row in posteriors.tolist() for detection in detector.feed(row)]
        return found + detector.finish()
