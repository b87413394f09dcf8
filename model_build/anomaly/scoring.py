"""From what was not rebuilt to a score: how many spreads of normal sound the error lies above normal.

Two errors are kept, each the logarithm of a mean over the recipe's window:

- *fast*: the mean square of the residuals, each in units of its band's spread. Whatever flutters or knocks.
- *slow*: the fourth-power mean over the bands of each band's mean residual, in units of that mean's spread.
  Averaging first takes the noise off, so that a decibel too much in one band shows; the fourth power lets a
  few bands stand out of eighty.

A machine that is about to break goes on sounding so; a door that slams does not. So a residual counts at most
``FAR`` spreads, and a step at most ``LOUD`` times as much as normal.

Both are standardised by their mean and spread on normal sound that nothing was trained on; the larger counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from model_build.shape import STEP_FRAMES

FAST, SLOW = 0, 1
"""Order of the two errors in arrays."""

FAR = 4.0
LOUD = 2.0

CENTRE = 6.0
"""Spreads above normal at which the score is a half."""
SOFTNESS = 1.5
"""Spreads per unit of the score's logit: normal sound scores about 0.02, twelve spreads 0.98."""

_LEAST = 1e-6

Residual = NDArray[np.floating]
"""(S, STEP_VALUES) of one recording"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What the errors of normal sound are like."""

    window: int
    """Steps that are averaged."""
    fast_spread: NDArray[np.float64]
    """(MEL_BINS,) spread of the residual"""
    slow_spread: NDArray[np.float64]
    """(MEL_BINS,) spread, in units of the former, of the residual's mean over the window"""
    log_mean: NDArray[np.float64]
    """(2,) of the errors"""
    log_spread: NDArray[np.float64]
    """(2,) of the errors"""

    def spreads(self, residual: Residual) -> NDArray[np.float64]:
        """(S,) spreads above normal of each step: what the exported model squashes into a score."""
        standard = (_errors(self, residual) - self.log_mean) / self.log_spread
        return np.asarray(standard.max(axis=1))

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Everything but the window, for conversion."""
        names = ("fast_spread", "slow_spread", "log_mean", "log_spread")
        return {name: getattr(self, name) for name in names}


def fit_scoring(learned: Sequence[Residual], held_out: Sequence[Residual], window: int) -> Scoring:
    """From residuals of normal sound: the bands' spreads from what was learned, the errors' from the rest."""
    fast = np.maximum(np.concatenate(learned).reshape(-1, MEL_BINS).std(axis=0), _LEAST)
    means = np.concatenate([settled(_band_means(_limited(one, fast), window), window) for one in learned])
    rough = Scoring(
        window=window,
        fast_spread=fast,
        slow_spread=np.maximum(np.sqrt((means**2).mean(axis=0)), _LEAST),
        log_mean=np.zeros(2),
        log_spread=np.ones(2),
    )
    logs = np.concatenate([settled(_errors(rough, residual), window) for residual in held_out])
    return Scoring(
        window=window,
        fast_spread=rough.fast_spread,
        slow_spread=rough.slow_spread,
        log_mean=logs.mean(axis=0),
        log_spread=np.maximum(logs.std(axis=0), 0.01),
    )


def settled(steps: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """The steps whose window is full; of a recording that is shorter, its second half."""
    return steps[min(window - 1, len(steps) // 2) :]


def _errors(scoring: Scoring, residual: Residual) -> NDArray[np.float64]:
    """(S, 2) fast and slow error."""
    z = _limited(residual, scoring.fast_spread)
    steps = np.minimum((z**2).mean(axis=(1, 2)), LOUD)
    fast = _window_mean(steps[:, None], scoring.window)[:, 0]
    slow = ((_band_means(z, scoring.window) / scoring.slow_spread) ** 4).mean(axis=1)
    return np.stack([np.log(np.maximum(fast, _LEAST)), np.log(np.maximum(slow, _LEAST)) / 2], axis=1)


def _limited(residual: Residual, spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """(S, STEP_FRAMES, MEL_BINS) residuals in units of their spread, none beyond ``FAR``."""
    return np.clip(residual.reshape(-1, STEP_FRAMES, MEL_BINS) / spread, -FAR, FAR)


def _band_means(z: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """(S, MEL_BINS) mean of each band over the window that ends there."""
    return _window_mean(z.mean(axis=1), window)


def _window_mean(rows: NDArray[np.floating], window: int) -> NDArray[np.float64]:
    """Mean of the last ``window`` rows; before the beginning there are zeros, as in a stream."""
    total = np.cumsum(np.pad(rows.astype(np.float64), [(window, 0), (0, 0)]), axis=0)
    return np.asarray((total[window:] - total[:-window]) / window)
