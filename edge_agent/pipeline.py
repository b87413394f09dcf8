"""Joins the parts: samples in; frames, posteriors, levels and detections out. Opens nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S, HOP_SAMPLES, RATE_HZ
from contract.detector import Detector, Found
from contract.manifest import Manifest
from edge_agent.bundles import LoadedBundle
from edge_agent.classifier import Classifier
from edge_agent.denoising import DELAY_S, Denoiser
from edge_agent.framing import Framer
from edge_agent.frontend import FrontEnd
from edge_agent.level import Meter, hop_powers, to_dbfs

STEPS_AT_ONCE: Final = 3
"""Steps that the models are run for together: a fifth less CPU time, for two steps of latency at most."""
_SETTLING_S: Final = 2.0
"""Until a detection that began before has been reported, and the refractory time after it has begun."""
_CONSTANTS: Final = 15.0
"""Time constants until what an average began with is below the rounding of a posterior."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What a node does otherwise than its bundle says; ``None`` leaves it to the bundle."""

    thresholds: Mapping[str, float]
    smoothing_s: float | None = None
    refractory_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step of sound came to."""

    index: int
    end_s: float
    """When its last sample was captured, in the clock of ``captured_s``."""
    frames: NDArray[np.int8]
    """(step frames, mel bins)"""
    posteriors: NDArray[np.float32]
    """(labels,), not averaged"""
    average: tuple[float, ...]
    """(labels,), averaged as detections rest on them"""
    level_dbfs: float
    """Of this step alone."""
    found: tuple[Found, ...]


class Pipeline:
    """One stream of sound through the parts of a bundle. ``reset`` begins a new stream."""

    def __init__(self, bundle: LoadedBundle, tuning: Tuning, denoiser: Denoiser | None = None) -> None:
        manifest = bundle.manifest
        self._manifest, self._tuning = manifest, tuning
        self.thresholds = in_force(manifest, tuning)
        self.step_frames = manifest.step_frames
        self.step_samples = manifest.step_frames * HOP_SAMPLES
        self.step_s = self.step_samples / RATE_HZ
        self.meter = Meter()
        self._framer = Framer(STEPS_AT_ONCE * self.step_samples)
        self._denoiser = denoiser
        self._front_end = FrontEnd(bundle.preprocess)
        self.run_frames = STEPS_AT_ONCE * manifest.step_frames
        self._classifier = Classifier(bundle.classifier, manifest.step_frames, self.run_frames)
        self._detector = make_detector(manifest, tuning)
        self._index = 0

    @property
    def denoiser(self) -> str:
        """What takes noise off before it hears; levels are those of the sound as it came in."""
        return "off" if self._denoiser is None else self._denoiser.name

    @property
    def leq_dbfs(self) -> float:
        """Level of the last second."""
        return self.meter.leq_dbfs

    @property
    def pending(self) -> int:
        """Samples that wait until a run of the models is full."""
        return self._framer.pending

    @property
    def run_samples(self) -> int:
        """Samples of one run of the models."""
        return STEPS_AT_ONCE * self.step_samples

    @property
    def warm_s(self) -> float:
        """Sound after which it answers as if it had heard all before, but for what fades slowly."""
        smoothing_s = self._tuning.smoothing_s
        smoothing_s = self._manifest.smoothing_s if smoothing_s is None else smoothing_s
        history_s = self._manifest.context_s + self._classifier.history_frames / FRAMES_PER_S
        return history_s + max(_SETTLING_S, _CONSTANTS * smoothing_s)

    @property
    def refractory_s(self) -> float:
        """Silence of a label after its detection."""
        mine = self._tuning.refractory_s
        return self._manifest.refractory_s if mine is None else mine

    def follow(self, other: "Pipeline") -> None:
        """From the next sample on, make frames as ``other`` would, if that has the same front end.

        A front end follows the noise floor for minutes: what was learned of it is not to be learned anew.
        """
        if other._manifest.frontend_digest == self._manifest.frontend_digest:
            self._front_end.follow(other._front_end)
        if self._denoiser is not None and other._denoiser is not None:
            self._denoiser.follow(other._denoiser)

    def feed(self, samples: NDArray[np.int16], captured_s: float) -> list[Step]:
        """The steps that are now complete.

        ``samples`` is (n,) int16 at 16 kHz; ``captured_s`` is when the last of them was captured.
        """
        later = self._framer.pending + len(samples)
        steps = []
        for piece in self._framer.feed(samples):
            steps += self._hear(piece, captured_s - later / RATE_HZ, STEPS_AT_ONCE)
            later -= len(piece)
        return steps

    def flush(self, captured_s: float) -> list[Step]:
        """Fill the step that is not yet full with silence, and finish it."""
        pending = self._framer.pending
        silence = np.zeros(-pending % (STEPS_AT_ONCE * self.step_samples), np.int16)
        begin_s = captured_s - pending / RATE_HZ
        wanted = math.ceil(pending / self.step_samples)
        return [step for piece in self._framer.feed(silence) for step in self._hear(piece, begin_s, wanted)]

    def finish(self) -> list[Found]:
        """Detections that wait for a higher posterior when the stream ends."""
        return self._detector.finish() if self._index else []

    def reset(self) -> None:
        """Begin a new stream."""
        self._framer.reset()
        if self._denoiser is not None:
            self._denoiser.reset()
        self._front_end.reset()
        self._classifier.reset()
        self._detector = make_detector(self._manifest, self._tuning)
        self._index = 0

    def _hear(self, piece: NDArray[np.int16], begin_s: float, wanted: int) -> list[Step]:
        """The first ``wanted`` steps of a piece that began at ``begin_s``."""
        hops = piece.reshape(-1, HOP_SAMPLES)
        powers = hop_powers(hops)
        self.meter.feed(powers, int(max(piece.max(), -int(piece.min()))))
        if self._denoiser is not None:
            hops = self._denoiser.feed(piece).reshape(-1, HOP_SAMPLES)
            begin_s -= DELAY_S
        frames = self._front_end.feed(hops)
        rows = self._classifier.feed(frames)
        steps = []
        for number, row in enumerate(rows[:wanted]):
            found = tuple(self._detector.feed(row.tolist()))
            part = slice(number * self.step_frames, (number + 1) * self.step_frames)
            steps.append(
                Step(
                    index=self._index,
                    end_s=begin_s + (number + 1) * self.step_s,
                    frames=frames[part],
                    posteriors=row,
                    average=self._detector.average,
                    level_dbfs=to_dbfs(sum(powers[part]) / self.step_frames),
                    found=found,
                )
            )
            self._index += 1
        return steps


def in_force(manifest: Manifest, tuning: Tuning) -> dict[str, float]:
    """Threshold of each label that may be detected; ``ValueError`` names an override without a label."""
    unknown = sorted(set(tuning.thresholds) - set(manifest.thresholds))
    if unknown:
        known = ", ".join(sorted(manifest.thresholds))
        raise ValueError(f"thresholds: the bundle does not detect {unknown[0]!r}; it detects {known}")
    return {**manifest.thresholds, **tuning.thresholds}


def make_detector(manifest: Manifest, tuning: Tuning) -> Detector:
    """The detector of a bundle as this node wants it."""
    smoothing_s, refractory_s = tuning.smoothing_s, tuning.refractory_s
    return Detector(
        manifest.labels,
        in_force(manifest, tuning),
        smoothing_s=manifest.smoothing_s if smoothing_s is None else smoothing_s,
        refractory_s=manifest.refractory_s if refractory_s is None else refractory_s,
        step_s=manifest.step_frames * HOP_SAMPLES / RATE_HZ,
    )
