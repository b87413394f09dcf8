"""How near sound that was made again is to what was heard, by measures that listeners were asked about."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.codec.analysis import HIGH_PASS_HZ
from model_build.errors import ModelBuildError

SHORTEST_S: Final = 1.0
SOFTEST: Final = 0.003
"""Peak, of full scale: PESQ finds no speech in what is softer."""

_FULL_SCALE: Final = 32768.0

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Of one recording."""

    pesq: float | None
    """PESQ-WB (ITU-T P.862.2), 1 to 4.64; None where it is not installed."""
    stoi: float
    """Short-time objective intelligibility, 0 to 1."""
    si_sdr_db: float
    """Scale-invariant ratio of signal to distortion. Where phase was invented it says nothing."""


class Judge:
    """Compares, at the delay that is known. ``ModelBuildError`` says what to install."""

    def __init__(self) -> None:
        self._stoi: Any = _module("pystoi")
        self._pesq: Any = _module("pesq")
        if self._stoi is None:
            raise ModelBuildError("pystoi is missing: pip install 'soundpost[dev]'")

    @property
    def knows_pesq(self) -> bool:
        """Whether PESQ is installed: it comes as source, and needs a C compiler."""
        return self._pesq is not None

    def score(self, heard: Pcm, again: Pcm) -> Scores | None:
        """The scores of ``again`` (samples,), or None where ``heard`` holds nothing that could be judged."""
        reference, made = (part[: min(heard.size, again.size)] / _FULL_SCALE for part in (heard, again))
        if reference.size < SHORTEST_S * RATE_HZ or np.abs(reference).max() < SOFTEST:
            return None
        return Scores(
            pesq=float(self._pesq.pesq(RATE_HZ, reference, made, "wb")) if self._pesq else None,
            stoi=float(self._stoi.stoi(reference, made, RATE_HZ)),
            si_sdr_db=si_sdr_db(high_passed(reference), made),
        )


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


def si_sdr_db(reference: NDArray[np.float64], made: NDArray[np.float64]) -> float:
    """Decibels of what of ``made`` is ``reference`` at any gain, over what is not.

    >>> tone = np.sin(np.arange(1000.0))
    >>> round(si_sdr_db(tone, 3 * tone + 0.3 * np.cos(np.arange(1000.0))))
    20
    """
    kept = (made @ reference) / max(float(reference @ reference), 1e-12) * reference
    rest = made - kept
    return float(10 * np.log10(max(float(kept @ kept), 1e-12) / max(float(rest @ rest), 1e-12)))


def high_passed(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without offset, as the front end hears it, and nothing of it later."""
    spectrum = np.fft.rfft(sound)
    turns = np.exp(-2j * np.pi * np.fft.rfftfreq(sound.size))
    pole = np.exp(-2 * np.pi * HIGH_PASS_HZ / RATE_HZ)
    return np.asarray(np.fft.irfft(spectrum * (1 + pole) / 2 * (1 - turns) / (1 - pole * turns), sound.size))
