"""The classic denoiser, which needs no model: log-spectral amplitude estimation over a tracked noise floor.

The gain is that of Ephraim and Malah, "Speech enhancement using a minimum mean-square error log-spectral
amplitude estimator" (IEEE Trans. ASSP 33, 1985), with their decision-directed a-priori SNR (IEEE Trans. ASSP
32, 1984). The noise is tracked as in Gerkmann and Hendriks, "Unbiased MMSE-based noise power estimation with
low complexity and low tracking delay" (IEEE Trans. ASLP 20, 2012). The exponential integral is approximated
by 5.1.53 and 5.1.56 of Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES
from contract.denoise.spectra import BINS, Analysis, HighPass, Synthesis

_TO_INT16: Final = (-32768.0, 32767.0)

_SMOOTHING: Final = 0.97
"""Part of the a-priori SNR that is carried over from the spectrum before."""
_LEAST_SNR: Final = 10 ** (-25 / 10)
_LEAST_GAIN: Final = 10 ** (-18 / 20)
"""What is thought to be noise is only made so much softer: silence would tinkle."""
_SPEECH_SNR: Final = 10 ** (15 / 10)
"""SNR that speech is expected to have where it is present."""
_NOISE_PACE: Final = 0.2
_PRESENCE_PACE: Final = 0.1
_SURE: Final = 0.99
"""Presence above which, if it lasts, the noise may have grown: it is then not believed wholly."""
_FIRST_SPECTRA: Final = 6
"""Spectra at the beginning that are taken for noise."""
_LEAST_POWER: Final = 1.0


class LogMmse:
    """One stream. Sound comes out ``DELAY_SAMPLES`` later than it went in."""

    def __init__(self) -> None:
        self._high_pass, self._analysis, self._synthesis = HighPass(), Analysis(), Synthesis()
        self._seen = 0
        self._noise = np.full(BINS, _LEAST_POWER)
        self._presence = np.full(BINS, 0.5)
        self._last_clean = np.zeros(BINS)

    def push(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """As many samples as ``pcm`` (n * HOP_SAMPLES,) has."""
        hops = [self._hop(hop) for hop in pcm.reshape(-1, HOP_SAMPLES)]
        return np.concatenate(hops) if hops else np.zeros(0, np.int16)

    def _hop(self, hop: NDArray[np.int16]) -> NDArray[np.int16]:
        spectra = self._analysis.push(self._high_pass.push(hop))
        gains = np.stack([self._gain(np.abs(spectrum).astype(np.float64) ** 2) for spectrum in spectra])
        sound = self._synthesis.push(np.asarray(spectra * gains, np.complex64))
        return np.clip(np.rint(sound), *_TO_INT16).astype(np.int16)

    def _gain(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """(BINS,) gain of the next spectrum."""
        self._follow_noise(power)
        posterior = np.minimum(power / self._noise, 1e4)
        carried = self._last_clean / self._noise
        prior = _SMOOTHING * carried + (1 - _SMOOTHING) * np.maximum(posterior - 1, 0)
        prior = np.maximum(prior, _LEAST_SNR)
        part = prior / (1 + prior)
        gain = np.minimum(part * np.exp(0.5 * exponential_integral(part * posterior)), 1.0)
        self._last_clean = gain**2 * power
        return np.asarray(np.maximum(gain, _LEAST_GAIN))

    def _follow_noise(self, power: NDArray[np.float64]) -> None:
        self._seen += 1
        if self._seen <= _FIRST_SPECTRA:
            self._noise += (np.maximum(power, _LEAST_POWER) - self._noise) / self._seen
            return
        likely = np.exp(-np.minimum(power / self._noise, 200.0) * (_SPEECH_SNR / (1 + _SPEECH_SNR)))
        presence = 1 / (1 + (1 + _SPEECH_SNR) * likely)
        self._presence += _PRESENCE_PACE * (presence - self._presence)
        presence = np.where(self._presence > _SURE, np.minimum(presence, _SURE), presence)
        heard = presence * self._noise + (1 - presence) * power
        self._noise = np.maximum(self._noise + _NOISE_PACE * (heard - self._noise), _LEAST_POWER)


def exponential_integral(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """E1 of each positive value, to 2e-7 below one and to a 20,000th part above.

    >>> exponential_integral(np.array([0.5, 1.0, 2.0])).round(4).tolist()
    [0.5598, 0.2194, 0.0489]
    """
    small, large = np.clip(x, 1e-10, 1.0), np.maximum(x, 1.0)
    series = np.polyval([0.00107857, -0.00976004, 0.05519968, -0.24991055, 0.99999193, -0.57721566], small)
    ratio = (large**2 + 2.334733 * large + 0.250621) / (large**2 + 3.330657 * large + 1.681534)
    return np.where(x < 1, series - np.log(small), ratio * np.exp(-large) / large)
