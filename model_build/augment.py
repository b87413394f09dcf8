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

_TILTED_PART = 0.6
"""Of the noises: recordings of noise are few, and each has one colour."""
_TILT_POINTS = 6


class Augmenter:
    """Draws changed versions of sounds; everything drawn comes from ``draw``."""

    def __init__(self, recipe: AugmentRecipe, noises: Sequence[Pcm], draw: Draw) -> None:
        self._recipe, self._draw = recipe, draw
        self._noises = [noise.astype(np.float32) / 32768.0 for noise in noises if noise.size > RATE_HZ]

    def vary(self, pcm: Pcm) -> Pcm:
        """The sound faster or slower, earlier or later, in a room, louder or softer, and often with noise.

        Then what a cheap microphone and a codec may do to it.
        """
        draw, recipe = self._draw, self._recipe
        wave = pcm.astype(np.float32) / 32768.0
        wave = speed(wave, 1.0 + draw.uniform(-recipe.speed, recipe.speed))
        wave = shift(wave, round(draw.uniform(-recipe.shift_s, recipe.shift_s) * RATE_HZ), turn=recipe.turn)
        if draw.random() < recipe.room_chance:
            wave = in_room(wave, room(draw, draw.uniform(*recipe.room_s)))
        wave = wave * decibels(draw.uniform(*recipe.gain_db))
        if draw.random() < recipe.noise_chance:
            wave = wave + self.noise(wave.size, recipe.noise_rms)
        return to_pcm(self._recorded(wave))

    def _recorded(self, wave: Wave) -> Wave:
        """The sound clipped, on an offset, without its quiet bands: each by its chance."""
        draw, recipe = self._draw, self._recipe
        if draw.random() < recipe.overdrive_chance:
            limit = np.abs(wave).max() * decibels(draw.uniform(-15.0, -3.0))
            wave = np.clip(wave, -limit, limit)
        if draw.random() < recipe.codec_chance:
            wave = coded(wave, draw.uniform(25.0, 50.0))
        if draw.random() < recipe.offset_chance:
            wave = wave + np.float32(draw.uniform(-0.1, 0.1))
        return wave

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
        if self._recipe.noise_tilt_db and draw.random() < _TILTED_PART:
            wave = tilted(wave, draw, self._recipe.noise_tilt_db)
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


def room(draw: Draw, reverberation_s: float) -> Wave:
    """Impulse response of a room: the direct sound, then noise that falls by 60 dB in ``reverberation_s``.

    The reverberation is 0 to 20 dB below the direct sound (Polack 1988: exponentially decaying noise).
    """
    time_s = np.arange(round(reverberation_s * RATE_HZ)) / RATE_HZ
    tail = draw.normal(size=time_s.size) * 10.0 ** (-3.0 * time_s / reverberation_s)
    tail[: round(0.002 * RATE_HZ)] = 0.0
    tail *= decibels(-draw.uniform(0.0, 20.0)) / (np.sqrt(np.sum(tail**2)) + 1e-9)
    tail[0] = 1.0
    return tail.astype(np.float32)


def in_room(wave: Wave, response: Wave) -> Wave:
    """``wave`` as it is heard through ``response``, as long as before."""
    size = wave.size + response.size
    heard = np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(response, size), size)
    return heard[: wave.size].astype(np.float32)


_BLOCK = 512


def coded(wave: Wave, range_db: float) -> Wave:
    """``wave`` without what is more than ``range_db`` below the loudest of its moment.

    That is the loss that a perceptual codec at a low rate leaves: holes in time and frequency.
    """
    window = np.sqrt(np.hanning(_BLOCK + 1)[:-1])
    padded = np.pad(wave, (_BLOCK // 2, _BLOCK + -wave.size % (_BLOCK // 2)))
    blocks = np.lib.stride_tricks.sliding_window_view(padded, _BLOCK)[:: _BLOCK // 2]
    spectra = np.fft.rfft(blocks * window)
    sizes = np.abs(spectra)
    spectra[sizes < sizes.max(axis=1, keepdims=True) * decibels(-range_db)] = 0.0
    kept = np.fft.irfft(spectra, _BLOCK) * window
    joined = np.zeros(padded.size + _BLOCK)
    for index, block in enumerate(kept):
        joined[index * _BLOCK // 2 : index * _BLOCK // 2 + _BLOCK] += block
    return joined[_BLOCK // 2 : _BLOCK // 2 + wave.size].astype(np.float32)


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


def tilted(wave: Wave, draw: Draw, most_db: float) -> Wave:
    """``wave`` through a smooth random equaliser: each of six points up to ``most_db`` up or down."""
    spectrum = np.fft.rfft(wave)
    points = np.linspace(0.0, 1.0, _TILT_POINTS)
    gains_db = draw.uniform(-most_db, most_db, _TILT_POINTS)
    response_db = np.interp(np.linspace(0.0, 1.0, spectrum.size), points, gains_db)
    return np.fft.irfft(spectrum * 10.0 ** (response_db / 20.0), wave.size).astype(np.float32)


def decibels(gain_db: float) -> float:
    """Factor of an amplitude that a gain stands for."""
    return float(10.0 ** (gain_db / 20.0))
