"""Synthesises the sounds that the demonstration plays: spoken words by espeak-ng, the rest by arithmetic.

    python deploy/make_demo_sounds.py --into aggregator/demo_sounds

Needs espeak-ng on the path. Everything is seeded; the same program gives the same sound.
"""

import argparse
import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

RATE_HZ = 16_000
Samples = npt.NDArray[np.float64]

WORDS = ("yes", "no", "up", "down", "left", "right", "go")
VOICES = ("en-us+m3", "en-gb+f2", "en-us+m7", "en-gb-scotland+m1", "en-us+f4")
OTHER_WORDS = ("table", "seven", "window", "house")
PAUSE_S = 1.6


def spoken(word: str, voice: str, speed_wpm: int) -> Samples:
    """One word, trimmed, at a natural level."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed_wpm), "--stdout", word]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    samples, rate_hz = soundfile.read(io.BytesIO(raw))
    resampled = np.asarray(soxr.resample(samples, rate_hz, RATE_HZ), dtype=np.float64)
    loud = np.flatnonzero(np.abs(resampled) > 0.01)
    trimmed = resampled[loud[0] : loud[-1] + 1]
    return 0.25 * trimmed / np.abs(trimmed).max()


def sentence(voice: str, seed: int) -> Samples:
    """All words in a shuffled order, in a quiet room."""
    random = np.random.default_rng(seed)
    words = list(WORDS) + list(random.choice(OTHER_WORDS, 2))
    random.shuffle(words)
    parts = []
    for word in words:
        parts += [np.zeros(int(PAUSE_S * RATE_HZ)), spoken(word, voice, int(random.integers(125, 160)))]
    dry = np.concatenate([*parts, np.zeros(RATE_HZ)])
    return dry + 0.0008 * random.standard_normal(dry.size)


def band_noise(seconds: float, low_hz: float, high_hz: float, random: np.random.Generator) -> Samples:
    """Noise between two frequencies, RMS 1."""
    count = int(seconds * RATE_HZ)
    spectrum = np.fft.rfft(random.standard_normal(count))
    frequency_hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    spectrum[(frequency_hz < low_hz) | (frequency_hz > high_hz)] = 0
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def rain(random: np.random.Generator) -> Samples:
    """A steady hiss with drops on it."""
    hiss = 0.05 * band_noise(8, 400, 7900, random)
    drops = np.zeros(hiss.size)
    for start in random.integers(0, hiss.size - 400, 600):
        drop = np.exp(-np.arange(200) / 25) * np.sin(np.arange(200) * random.uniform(0.8, 2.2))
        drops[start : start + 200] += random.uniform(0.01, 0.08) * drop
    return hiss + drops


def sea_waves(random: np.random.Generator) -> Samples:
    """Noise that swells and breaks every four seconds."""
    noise = 0.2 * band_noise(12, 60, 5000, random)
    time_s = np.arange(noise.size) / RATE_HZ
    return noise * (0.12 + np.clip(np.sin(2 * np.pi * time_s / 4.2), 0, 1) ** 2)


def clock_tick(random: np.random.Generator) -> Samples:
    """Two clicks a second, tick and tock, in a quiet room."""
    sound = 0.001 * random.standard_normal(8 * RATE_HZ)
    decay = np.exp(-np.arange(1200) / 90)
    for index, start in enumerate(range(1600, sound.size - 1200, RATE_HZ // 2)):
        pitch = 2800 if index % 2 else 3500
        click = decay * (np.sin(2 * np.pi * pitch * np.arange(1200) / RATE_HZ) + random.standard_normal(1200))
        sound[start : start + 1200] += 0.12 * click
    return sound


def helicopter(random: np.random.Generator) -> Samples:
    """Low noise chopped eleven times a second."""
    noise = band_noise(8, 40, 1800, random)
    time_s = np.arange(noise.size) / RATE_HZ
    chop = 0.25 + np.clip(np.sin(2 * np.pi * 11 * time_s), 0, 1) ** 3
    return 0.16 * noise * chop


def chainsaw(random: np.random.Generator) -> Samples:
    """A two-stroke engine that revs up and down."""
    time_s = np.arange(8 * RATE_HZ) / RATE_HZ
    pitch_hz = (
        95
        + 25 * np.sin(2 * np.pi * 0.4 * time_s)
        + 1.5 * np.cumsum(random.standard_normal(time_s.size)) / np.sqrt(RATE_HZ)
    )
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    tone = sum(np.sin(k * phase) / k**0.6 for k in range(1, 40))
    return 0.05 * np.asarray(tone) * (1 + 0.4 * band_noise(8, 20, 4000, random))


def crackling_fire(random: np.random.Generator) -> Samples:
    """A low roar and many short cracks."""
    roar = 0.015 * band_noise(8, 40, 400, random)
    for start in random.integers(0, roar.size - 600, 160):
        length = int(random.integers(60, 500))
        crack = np.exp(-np.arange(length) / (length / 6)) * random.standard_normal(length)
        roar[start : start + length] += random.exponential(0.06) * crack
    return roar


SOUNDS: tuple[Callable[[np.random.Generator], Samples], ...] = (
    rain,
    sea_waves,
    clock_tick,
    helicopter,
    chainsaw,
    crackling_fire,
)


def write(path: Path, samples: Samples) -> None:
    """Ogg Opus, small enough to ship."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(samples, -1, 1), RATE_HZ, format="OGG", subtype="OPUS")


def main() -> None:
    """Write all sounds into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--into", type=Path, default=Path("aggregator/demo_sounds"))
    folder = parser.parse_args().into
    for index, voice in enumerate(VOICES):
        write(folder / "words" / f"words-{index + 1}.opus", sentence(voice, seed=index))
    for index, sound in enumerate(SOUNDS):
        write(folder / "scenes" / f"{sound.__name__}.opus", sound(np.random.default_rng(index)))


if __name__ == "__main__":
    main()
