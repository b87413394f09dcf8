"""Speech and noise meet: examples of what is heard and what should be, new ones as long as it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.denoise.spectra import STRIDE_SAMPLES, analysis_window
from model_build.denoise.made_noise import Draw, Sound, in_a_room, made_noise, tilted
from model_build.denoise.recipe import MixingRecipe
from model_build.denoise.sources import Sources

_TINY = 1e-6
_SILENT = 1e-5
"""Power of an excerpt that holds no speech."""
_TRIES = 4
_WORD_LEVEL = 0.1
_VOICES = (4, 12)
_PAUSE_SAMPLES = 4000
_QUIETER_DB = (-10.0, 0.0)
_CLIPPED_AT = (0.25, 0.9)
_TILT_CHANCE, _SPEED_CHANCE = 0.5, 0.5
_SPEEDS = (0.75, 1.33)
"""Of noises, which may sound as nothing does."""

Spectra = NDArray[np.complex64]
Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Magnitudes heard, magnitudes that should be, cosine of the angle between them: (N, T, bins) each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Example:
    clean: Spectra
    heard: Spectra
    """With its room."""
    noise: Spectra
    clipped: Spectra | None
    """Speech and noise, where the sum was clipped: that cannot be done to spectra."""


class Mixer:
    """Draws from ``sources``; the same seed gives the same examples."""

    def __init__(self, recipe: MixingRecipe, sources: Sources, samples: int, seed: int) -> None:
        self._recipe, self._sources, self._samples = recipe, sources, samples
        self._draw: Draw = np.random.default_rng(seed)
        lengths = np.array([sound.size for sound in sources.speech], np.float64)
        self._weights = lengths / lengths.sum()

    def batches(self, size: int, mixtures: int) -> list[Batch]:
        """``mixtures`` batches of the same ``size`` recordings, mixed differently each time."""
        examples = [self._example() for _ in range(size)]
        return [self._mix(examples) for _ in range(mixtures)]

    def _mix(self, examples: Sequence[_Example]) -> Batch:
        """STFTs add up as sounds do, so that recordings need no new one for each mixture."""
        recipe, draw = self._recipe, self._draw
        shape = (len(examples), *examples[0].clean.shape)
        heard, clean, cosine = (np.empty(shape, np.float32) for _ in range(3))
        for row, (example, other) in enumerate(zip(examples, draw.permutation(len(examples)), strict=True)):
            gain = np.float32(10 ** (draw.uniform(*recipe.level_db) / 20))
            softer = np.float32(10 ** (-draw.uniform(*recipe.snr_db) / 20))
            mixed = example.clipped
            if mixed is None:
                mixed = example.heard + examples[other].noise * softer
            x, s = mixed * gain, example.clean * gain
            heard[row], clean[row] = np.abs(x), np.abs(s)
            cosine[row] = (x.real * s.real + x.imag * s.imag) / (heard[row] * clean[row] + 1e-9)
        return heard, clean, cosine

    def _example(self) -> _Example:
        recipe, draw = self._recipe, self._draw
        clean = _even(self._speech())
        heard = clean
        if draw.random() < recipe.room_chance:
            heard, clean = in_a_room(draw, clean)
        noise = self._noise()
        if draw.random() < recipe.second_noise_chance:
            noise = _even(noise + self._noise() * 10 ** (draw.uniform(*_QUIETER_DB) / 20))
        clipped = None
        if draw.random() < recipe.clip_chance:
            mixed = heard + noise * 10 ** (-draw.uniform(*recipe.snr_db) / 20)
            most = np.abs(mixed).max() * draw.uniform(*_CLIPPED_AT)
            clipped = spectra_of(np.clip(mixed, -most, most))
        return _Example(
            clean=spectra_of(clean), heard=spectra_of(heard), noise=spectra_of(noise), clipped=clipped
        )

    def _speech(self) -> Sound:
        draw, sources = self._draw, self._sources
        if sources.clear_words and draw.random() < self._recipe.words_part:
            sound = self._strung(sources.clear_words)
        else:
            for _ in range(_TRIES):
                sound = self._cut(sources.speech[int(draw.choice(self._weights.size, p=self._weights))])
                if (sound**2).mean() > _SILENT:
                    break
        return tilted(draw, sound, self._recipe.speech_tilt_db) if draw.random() < _TILT_CHANCE else sound

    def _noise(self) -> Sound:
        recipe, draw, place = self._recipe, self._draw, self._draw.random()
        if place < recipe.recorded_part:
            folder = self._sources.noises[int(draw.integers(len(self._sources.noises)))]
            noise = self._cut(folder[int(draw.integers(len(folder)))])
            if draw.random() < _SPEED_CHANCE:
                places = np.arange(0, noise.size - 1, draw.uniform(*_SPEEDS))
                noise = self._cut(np.interp(places, np.arange(noise.size), noise).astype(np.float32))
        elif place < recipe.recorded_part + recipe.babble_part:
            noise = self._babble()
        else:
            noise = made_noise(draw, self._samples)
        if draw.random() < _TILT_CHANCE:
            noise = tilted(draw, noise, recipe.noise_tilt_db)
        return _even(noise)

    def _babble(self) -> Sound:
        voices = [*self._sources.words] or [*self._sources.speech]
        count = int(self._draw.integers(*_VOICES))
        gains = 10 ** (self._draw.uniform(-8, 0, count) / 20)
        voices_heard = [gain * self._strung(voices) for gain in gains]
        return np.asarray(np.sum(voices_heard, axis=0), np.float32)

    def _strung(self, clips: Sequence[Sound]) -> Sound:
        """Clips with pauses between them, equally loud."""
        sound, at = np.zeros(self._samples, np.float32), 0
        while at < sound.size:
            clip = self._cut(clips[int(self._draw.integers(len(clips)))], longest=sound.size - at)
            sound[at : at + clip.size] = clip * (_WORD_LEVEL / (np.sqrt((clip**2).mean()) + 1e-4))
            at += clip.size + int(self._draw.integers(_PAUSE_SAMPLES))
        return sound

    def _cut(self, sound: Sound, longest: int | None = None) -> Sound:
        """An excerpt from a random place; a short sound is repeated, unless only a ``longest`` is asked."""
        wanted = self._samples if longest is None else min(longest, sound.size)
        whole = np.resize(sound, wanted) if sound.size < wanted else sound
        start = int(self._draw.integers(whole.size - wanted + 1))
        return whole[start : start + wanted]


def spectra_of(sound: Sound) -> Spectra:
    """(T, BINS) of the windows that fit into ``sound``."""
    windows = np.lib.stride_tricks.sliding_window_view(sound, analysis_window().size)[::STRIDE_SAMPLES]
    return np.asarray(np.fft.rfft(windows * analysis_window()), np.complex64)


def _even(sound: Sound) -> Sound:
    return np.asarray(sound / (np.sqrt((sound**2).mean()) + _TINY), np.float32)
