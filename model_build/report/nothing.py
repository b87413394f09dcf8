"""Sound in which there is nothing to detect: digital silence and steady noise."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from model_build.audio_file import to_pcm
from model_build.dataset import Pcm
from model_build.report.intervals import poisson_upper
from model_build.report.rules import Rules

NOTHING_S = 300
LEVELS_DB = (-60, -40, -20)
"""Power relative to a full-scale sine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """What a bundle says of five minutes of nothing."""

    seconds: float
    detections: int
    per_hour: float
    per_hour_upper: float
    """95 % upper bound (Poisson)"""
    posteriors: Mapping[str, float]
    """Mean of each label"""


NOTHINGS = 1 + 2 * len(LEVELS_DB)
"""How many kinds of nothing there are."""


def nothings() -> Iterator[tuple[str, Pcm]]:
    """Name and sound of each kind, the same every time."""
    samples = NOTHING_S * RATE_HZ
    yield "digital silence", np.zeros(samples, np.int16)
    draw = np.random.default_rng(0)
    for colour, slope in (("white", 0.0), ("pink", 0.5)):
        noise = coloured(draw, samples, slope)
        for level_db in LEVELS_DB:
            yield f"{colour} noise, {level_db} dB", to_pcm(noise * 10 ** (level_db / 20) * np.sqrt(0.5))


def coloured(draw: np.random.Generator, samples: int, slope: float) -> NDArray[np.float64]:
    """(samples,) noise of power one whose amplitude falls with the frequency to the power of ``slope``."""
    spectrum = np.fft.rfft(draw.normal(size=samples))
    spectrum[0] = 0.0
    spectrum[1:] /= np.arange(1, spectrum.size) ** slope
    noise = np.fft.irfft(spectrum, samples)
    return np.asarray(noise / noise.std())


def judge_nothing(posteriors: NDArray[np.float32], rules: Rules) -> Quiet:
    """What is reported of ``NOTHING_S`` of one kind, (steps, K)."""
    detections = len(rules.detections(posteriors))
    hours = NOTHING_S / 3600
    means = posteriors.mean(axis=0, dtype=np.float64)
    return Quiet(
        seconds=NOTHING_S,
        detections=detections,
        per_hour=detections / hours,
        per_hour_upper=poisson_upper(detections, hours),
        posteriors={label: float(mean) for label, mean in zip(rules.labels, means, strict=True)},
    )
