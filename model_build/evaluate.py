"""What a bundle's models make of clips: heard as streams, step by step, exactly as a node hears them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES
from contract.clip import decide_clip
from model_build.dataset import Pcm, Progress
from model_build.examples import whole_steps
from model_build.runtime import Frontend
from model_build.shape import STEP_FRAMES

STEP_SAMPLES = STEP_FRAMES * HOP_SAMPLES
_SINE_POWER = 32768.0**2 / 2


class ClipRule(Protocol):
    """How a clip gets its one label: a recipe's decision, or a bundle's rules."""

    @property
    def clip_rule(self) -> str:
        """One of ``contract.clip.CLIP_RULES``."""

    @property
    def clip_gate_db(self) -> float | None:
        """Steps this far below the loudest do not count."""


class Listener(Protocol):
    """What gives posteriors: ``runtime.Classifier``, or a network that has not been exported."""

    def clip(self, features: NDArray[np.int8], frames_per_call: int) -> NDArray[np.float32]:
        """(steps, K) posteriors of a stream (T, MEL_BINS) that begins here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One clip and what the model said of it."""

    label: str
    """What it is."""
    posteriors: NDArray[np.float32]
    """(steps, K)"""
    levels_db: tuple[float, ...]
    """Level of each step, as ``contract.clip`` defines it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How often the label of a clip was right."""

    clips: int
    accuracy: float
    per_label: Mapping[str, float]
    """Part of each label's clips that were given it."""
    confusion: NDArray[np.int64]
    """(K, K) clips by label (rows) and by what the model said (columns)."""

    @property
    def balanced(self) -> float:
        """Mean over the labels, each counting alike."""
        return float(np.mean(list(self.per_label.values())))


def hear(
    frontend: Frontend, classifier: Listener, clips: Sequence[tuple[str, Pcm]], progress: Progress
) -> list[Heard]:
    """Each of ``clips`` (label, sound) as a stream of its own."""
    heard = []
    for index, (label, pcm) in enumerate(clips):
        whole = whole_steps(pcm)
        posteriors = classifier.clip(frontend.features(whole), STEP_FRAMES)
        heard.append(Heard(label=label, posteriors=posteriors, levels_db=step_levels_db(whole)))
        progress("listening", index + 1, len(clips))
    return heard


def step_levels_db(pcm: Pcm) -> tuple[float, ...]:
    """Level of each step in dBFS."""
    power = np.mean(pcm.astype(np.float64).reshape(-1, STEP_SAMPLES) ** 2, axis=1) / _SINE_POWER
    return tuple((10 * np.log10(np.maximum(power, 1e-12))).tolist())


def score(heard: Iterable[Heard], labels: Sequence[str], decision: ClipRule) -> Score:
    """Decide each clip by the bundle's rule and count."""
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    for clip in heard:
        said, _ = decide_clip(
            clip.posteriors.tolist(), clip.levels_db, rule=decision.clip_rule, gate_db=decision.clip_gate_db
        )
        confusion[labels.index(clip.label), said] += 1
    totals = confusion.sum(axis=1)
    return Score(
        clips=int(totals.sum()),
        accuracy=float(np.trace(confusion) / totals.sum()),
        per_label={
            label: float(confusion[index, index] / totals[index])
            for index, label in enumerate(labels)
            if totals[index]
        },
        confusion=confusion,
    )
