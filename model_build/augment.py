"""How one recording becomes many: all that is made here is int16 sound that a microphone could hear."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from model_build.audio_file import to_pcm
from model_build.dataset import Pcm
from model_build.recipe import AugmentRecipe

Wave = NDArray[np.float32]
Draw = np.random.Generator


class Augmenter:
    """Draws changed versions of sounds; everything drawn comes from ``draw``."""

    def __init__(self, recipe: AugmentRecipe, noises: Sequence[Pcm], draw: Draw) -> None:
        self._recipe, self._draw = recipe, draw
        self._noises = [noise.astype(np.float32) / 32768.0 for noise in noises if noise.size > RATE_HZ]

    def vary(self, pcm: Pcm) -> Pcm:
        """The sound faster or slower, earlier or later, louder or softer, and often with noise."""
        draw, recipe = self._draw, self._recipe
        wave = pcm.astype(np.float32) / 32768.0
        wave = speed(wave, 1.0 + draw.uniform(-recipe.speed, recipe.speed))
        wave = shift(wave, round(draw.uniform(-recipe.shift_s, recipe.shift_s) * RATE_HZ), turn=recipe.turn)
        wave = wave * decibels(draw.uniform(*recipe.gain_db))
        if draw.random() < recipe.noise_chance:
            wave = wave + self.noise(wave.size, recipe.noise_rms)
        return to_pcm(wave)

    def silence(self, samples: int) -> Pcm:
        """Nothing that has a name: noise at any level, often near nothing."""
        if self._draw.random() < 0.15:
            return np.zeros(samples, np.int16)
        return to_pcm(self.noise(samples, self._recipe.silence_rms))

    def scramble(self, first: Pcm, second: Pcm) -> Pcm:
        """A word that does not exist: one backwards, or the beginning of one and the end of another."""
        if self._draw.random() < 0.4:
            return first[::-1]
        middle = round(first.size * self._draw.uniform(0.35, 0.65))
        fade = np.clip((np.arange(first.size) - middle) / (0.02 * RATE_HZ) + 0.5, 0, 1)
        return np.asarray(first * (1 - fade) + second * fade).astype(np.int16)

    def noise(self, samples: int, rms: tuple[float, float]) -> Wave:
        """Recorded or synthesised noise at an RMS drawn from ``rms``, evenly in decibels."""
        draw = self._draw
        if self._noises and draw.random() < 0.7:
            source = self._noises[draw.integers(len(self._noises))]
            start = draw.integers(max(1, source.size - samples))
            wave = np.resize(source[start : start + samples], samples)
        else:
            wave = coloured(draw, samples)
        level = np.exp(draw.uniform(*np.log(rms)))
        return np.asarray(wave * (level / (np.sqrt(np.mean(wave**2)) + 1e-9)), dtype=np.float32)


def speed(wave: Wave, factor: float) -> Wave:
    """``wave`` played ``factor`` times as fast, at its old length, with its middle in place."""
    middle = wave.size / 2
    places = (np.arange(wave.size) - middle) * factor + middle
    played = np.interp(places, np.arange(wave.size), wave, left=0.0, right=0.0)
    return np.asarray(played, dtype=np.float32)


def shift(wave: Wave, samples: int, *, turn: bool) -> Wave:
    """``wave`` later by ``samples``; what leaves at one end comes in at the other if ``turn``.

    >>> shift(np.array([1.0, 2.0, 3.0]), 1, turn=False).tolist()
    [0.0, 1.0, 2.0]
    """
    moved = np.roll(wave, samples)
    if not turn and samples > 0:
        moved[:samples] = 0.0
    elif not turn and samples < 0:
        moved[samples:] = 0.0
    return moved


def coloured(draw: Draw, samples: int) -> Wave:
    """Noise whose spectrum falls by 0 to 8 dB per octave, sometimes with a mains hum."""
    spectrum = np.fft.rfft(draw.normal(size=samples))
    octaves = np.maximum(np.arange(spectrum.size), 20) ** -draw.uniform(0.0, 1.3)
    wave = np.fft.irfft(spectrum * octaves, samples)
    wave /= np.sqrt(np.mean(wave**2)) + 1e-9
    if draw.random() < 0.25:
        time_s = np.arange(samples) / RATE_HZ
        wave += draw.uniform(0.2, 2.0) * np.sin(2 * np.pi * draw.choice([50.0, 60.0, 100.0, 120.0]) * time_s)
    return wave.astype(np.float32)


def decibels(gain_db: float) -> float:
    """Factor of an amplitude that a gain stands for."""
    return float(10.0 ** (gain_db / 20.0))
