"""Noises and rooms that are made up: coloured, humming, swelling noise, equalisers, decaying echoes."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from contract.audio import RATE_HZ

Sound = NDArray[np.float32]
Draw = np.random.Generator

_HUM_CHANCE, _SWELL_CHANCE = 0.3, 0.4
_EARLY_SAMPLES = RATE_HZ // 25
"""Echoes up to 40 ms belong to the voice; those after them are taken off."""


def made_noise(draw: Draw, samples: int) -> Sound:
    """(samples,) of noise of a random colour."""
    hz = np.maximum(np.fft.rfftfreq(samples, 1 / RATE_HZ), 40.0)
    spectrum = draw.normal(size=hz.size) + 1j * draw.normal(size=hz.size)
    spectrum *= (hz / 1000) ** draw.uniform(-1.2, 0.3)
    if draw.random() < _HUM_CHANCE:
        _hum(draw, spectrum, samples)
    noise = np.fft.irfft(spectrum, samples)
    if draw.random() < _SWELL_CHANCE:
        bends = int(draw.integers(3, 40))
        noise *= np.interp(np.arange(samples), np.linspace(0, samples, bends), draw.uniform(0.1, 1, bends))
    return noise.astype(np.float32)


def tilted(draw: Draw, sound: Sound, spread_db: float) -> Sound:
    """``sound`` through a smooth random equaliser."""
    spectrum = np.fft.rfft(sound)
    gains_db = draw.normal(0, spread_db, 7)
    bends = np.interp(np.linspace(0, 1, spectrum.size), np.linspace(0, 1, 7), gains_db - gains_db.mean())
    return np.fft.irfft(spectrum * 10 ** (bends / 20), sound.size).astype(np.float32)


def in_a_room(draw: Draw, sound: Sound) -> tuple[Sound, Sound]:
    """``sound`` with the echoes of a made-up room, and with its early echoes alone."""
    samples = int(draw.uniform(0.1, 0.5) * RATE_HZ)
    echoes = draw.normal(size=samples) * np.exp(-6.9 * np.arange(samples) / samples)
    echoes[: int(draw.uniform(20, 80))] = 0
    echoes *= draw.uniform(0.1, 0.6) / np.sqrt((echoes**2).sum())
    echoes[0] = 1
    early = np.where(np.arange(samples) < _EARLY_SAMPLES, echoes, 0)
    heard, kept = (fftconvolve(sound, response)[: sound.size] for response in (echoes, early))
    return heard.astype(np.float32), kept.astype(np.float32)


def _hum(draw: Draw, spectrum: NDArray[np.complex128], samples: int) -> None:
    base_hz = draw.uniform(45, 400)
    for harmonic in range(1, int(draw.integers(3, 14))):
        place = int(base_hz * harmonic * samples / RATE_HZ)
        if place < spectrum.size:
            strength = draw.uniform(5, 60) * np.sqrt(samples) / 16 / harmonic**0.5
            spectrum[place] += strength * np.exp(1j * draw.uniform(0, 2 * np.pi))
