"""Synthesises the sounds that the demonstration plays: spoken words by espeak-ng, the rest by arithmetic.

    python deploy/make_demo_sounds.py --into aggregator/demo_sounds

Needs espeak-ng on the path. Everything is seeded; the same program gives the same sound.
"""

import argparse
import io
import subprocess
from collections.abc import Callable, Sequence
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


def tone(pitch_hz: Samples, partials: Sequence[float]) -> Samples:
    """Harmonics of a pitch that changes over time, (n,) hertz."""
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    waves = [level * np.sin(number * phase) for number, level in enumerate(partials, start=1)]
    return np.asarray(np.sum(waves, axis=0))


def silence(seconds: float) -> Samples:
    """Nothing."""
    return np.zeros(int(seconds * RATE_HZ))


def hiss(parts: list[Samples], level: float, random: np.random.Generator) -> Samples:
    """The parts in a row, in a room that is not quite silent."""
    dry = np.concatenate(parts)
    return dry + level * random.standard_normal(dry.size)


def scatter(sound: Samples, count: int, longest: int, level: float, random: np.random.Generator) -> Samples:
    """``count`` short bursts of noise over ``sound``, each dying away."""
    for start in random.integers(0, sound.size - longest, count):
        length = int(random.integers(longest // 10, longest))
        burst = np.exp(-np.arange(length) / (length / 6)) * random.standard_normal(length)
        sound[start : start + length] += random.exponential(level) * burst
    return sound


def crying_baby(random: np.random.Generator) -> Samples:
    """Wails that rise and fall, with a breath between."""
    partials = (0.5, 1, 0.9, 0.7, 0.25, 0.3, 0.5, 0.4, 0.2, 0.1, 0.1, 0.05)
    parts = []
    for _ in range(7):
        length = int(RATE_HZ * random.uniform(0.8, 1.3))
        part = np.linspace(0, 1, length)
        tremble = 12 * np.sin(2 * np.pi * 6 * part * length / RATE_HZ)
        pitch_hz = 420 + 130 * np.sin(np.pi * part) ** 0.7 + tremble + random.normal(0, 15)
        rough = 1 + 0.15 * random.standard_normal(length)
        parts += [0.12 * tone(pitch_hz, partials) * np.sin(np.pi * part) ** 0.4 * rough]
        parts += [silence(random.uniform(0.25, 0.5))]
    return hiss(parts, 0.002, random)


def dog(random: np.random.Generator) -> Samples:
    """Barks, at irregular times."""
    partials = (1, 0.9, 0.8, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.1)
    parts = [silence(0.5)]
    for _ in range(8):
        time_s = np.arange(int(RATE_HZ * 0.22)) / RATE_HZ
        swell = np.minimum(time_s / 0.015, 1) * np.exp(-time_s * 14)
        voice = tone(650 * np.exp(-time_s * 3.5) + 150, partials)
        bark = (voice + 0.8 * band_noise(0.22, 500, 4000, random)) * swell
        parts += [0.25 * bark, silence(random.uniform(0.25, 0.9))]
    return hiss(parts, 0.0015, random)


def rooster(random: np.random.Generator) -> Samples:
    """Three short calls and a long one, three times."""
    partials = (0.6, 1, 0.8, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1)
    parts = []
    for _ in range(3):
        for seconds, from_hz, to_hz in ((0.18, 500, 700), (0.15, 700, 800), (0.2, 650, 900), (0.9, 850, 550)):
            part = np.linspace(0, 1, int(RATE_HZ * seconds))
            pitch_hz = from_hz + (to_hz - from_hz) * part + 60 * np.sin(np.pi * part)
            rough = 1 + 0.1 * random.standard_normal(part.size)
            parts += [0.12 * tone(pitch_hz, partials) * np.sin(np.pi * part) ** 0.3 * rough, silence(0.06)]
        parts += [silence(1.2)]
    return hiss(parts, 0.001, random)


def sneezing(random: np.random.Generator) -> Samples:
    """A breath in, then a burst."""
    parts = [silence(1)]
    for _ in range(4):
        breath = 0.02 * band_noise(0.25, 500, 4000, random) * np.linspace(0, 1, RATE_HZ // 4) ** 2
        time_s = np.arange(int(RATE_HZ * 0.3)) / RATE_HZ
        burst = 0.35 * band_noise(0.3, 800, 7500, random) * np.minimum(time_s / 0.01, 1)
        voice = 0.1 * tone(np.linspace(350, 200, time_s.size), (1, 0.8, 0.6, 0.5, 0.4, 0.3))
        parts += [breath, silence(0.06), burst * np.exp(-time_s * 9) + voice * np.exp(-time_s * 10)]
        parts += [silence(1.2)]
    return hiss(parts, 0.0008, random)


def chainsaw(random: np.random.Generator) -> Samples:
    """A two-stroke engine that revs up and down."""
    time_s = np.arange(8 * RATE_HZ) / RATE_HZ
    drift_hz = 2 * np.cumsum(random.standard_normal(time_s.size)) / np.sqrt(RATE_HZ)
    pitch_hz = 110 + 50 * np.clip(np.sin(2 * np.pi * 0.35 * time_s), -0.4, 1) + drift_hz
    engine = np.tanh(0.4 * tone(pitch_hz, [number**-0.25 for number in range(1, 46)]))
    uneven = 1 + 0.2 * band_noise(8, 10, 200, random)
    return np.asarray(0.15 * engine * uneven + 0.06 * band_noise(8, 800, 7000, random))


def rain(random: np.random.Generator) -> Samples:
    """A steady hiss with drops on it."""
    steady = 0.03 * band_noise(8, 900, 7900, random) + 0.01 * band_noise(8, 50, 900, random)
    return scatter(steady, 3500, 120, 0.02, random)


def crackling_fire(random: np.random.Generator) -> Samples:
    """A low roar and many short cracks."""
    roar = 0.006 * band_noise(8, 40, 300, random) + 0.003 * band_noise(8, 300, 6000, random)
    return scatter(roar, 120, 300, 0.08, random)


def clock_tick(random: np.random.Generator) -> Samples:
    """Two clicks a second, tick and tock, with their echo."""
    sound = 0.0008 * random.standard_normal(8 * RATE_HZ)
    decay = np.exp(-np.arange(900) / 60)
    for index, start in enumerate(range(1600, sound.size - 1000, RATE_HZ // 2)):
        pitch_hz = 2600 if index % 2 else 3300
        ring = np.sin(2 * np.pi * pitch_hz * np.arange(900) / RATE_HZ)
        click = decay * (ring + 0.7 * random.standard_normal(900))
        sound[start : start + 900] += 0.15 * click
        sound[start + 500 : start + 950] += 0.05 * click[:450]
    return sound


SOUNDS: tuple[Callable[[np.random.Generator], Samples], ...] = (
    chainsaw,
    clock_tick,
    crackling_fire,
    crying_baby,
    dog,
    rain,
    rooster,
    sneezing,
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
