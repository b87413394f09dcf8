"""Words spoken by espeak-ng, for words of which there are few recordings."""

import io
import shutil
import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from contract.audio import RATE_HZ
from model_build.audio_file import to_pcm
from model_build.cuts import fit
from model_build.dataset import Clip, Pcm, Progress, Sound
from model_build.recipe import Recipe

ACCENTS = ("en-us", "en-029", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan")
"""Not plain en-gb: there espeak-ng ignores the speaker."""
SPEAKERS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
_SPEAK_LIMIT_S = 20
_LOUD = 0.01


def can_speak() -> bool:
    """Whether espeak-ng is there."""
    return shutil.which("espeak-ng") is not None


def spoken_sounds(recipe: Recipe, sounds: Sequence[Sound], progress: Progress) -> list[Sound]:
    """So many spoken clips of each word that it has ``recipe.augment.spoken_clips`` with those in ``sounds``.

    Which voice speaks is a function of the recipe's seed and the word. None without espeak-ng.
    """
    enough = recipe.augment.spoken_clips
    if enough is None or not can_speak():
        return []
    have = Counter(sound.clip.word for sound in sounds)
    lacking = {word: enough - count for word, count in sorted(have.items())}
    wanted = [word for word, count in lacking.items() for _ in range(max(0, count))]
    spoken = []
    for word, pcm in _speak_all(wanted, recipe.training.seed):
        clip = Clip(path=Path("espeak-ng", word), word=word, split=sounds[0].clip.split)
        label = next(sound.label for sound in sounds if sound.clip.word == word)
        spoken.append(Sound(clip=clip, label=label, pcm=fit(pcm, round(recipe.clip_s * RATE_HZ))))
        progress("speaking rare words", len(spoken), len(wanted))
    return spoken


def _speak_all(words: Sequence[str], seed: int) -> Iterator[tuple[str, Pcm]]:
    draws = {word: np.random.default_rng([seed, zlib.crc32(word.encode())]) for word in set(words)}
    for word in words:
        draw = draws[word]
        voice = f"{draw.choice(ACCENTS)}+{draw.choice(SPEAKERS)}"
        yield (
            word,
            speak(
                word, voice, pitch=int(draw.integers(20, 80)), words_per_minute=int(draw.integers(110, 190))
            ),
        )


def speak(word: str, voice: str, *, pitch: int, words_per_minute: int) -> Pcm:
    """``word`` (T,) at a natural level, in the middle of at least a second."""
    command = [
        "espeak-ng",
        "-v",
        voice,
        "-p",
        str(pitch),
        "-s",
        str(words_per_minute),
        "--stdout",
        "--",
        word,
    ]
    raw = subprocess.run(command, check=True, capture_output=True, timeout=_SPEAK_LIMIT_S).stdout
    samples, rate_hz = soundfile.read(io.BytesIO(raw), dtype="float32")
    wave = soxr.resample(samples, rate_hz, RATE_HZ)
    loud = np.flatnonzero(np.abs(wave) > _LOUD)
    word_only = wave[loud[0] : loud[-1] + 1] if loud.size else wave
    room = max(0, RATE_HZ - word_only.size)
    return to_pcm(np.pad(0.3 * word_only / (np.abs(word_only).max() + 1e-9), (room // 2, room - room // 2)))
