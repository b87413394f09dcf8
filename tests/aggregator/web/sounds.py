"""Synthetic windows of features that look like sounds do."""

import numpy as np
from numpy.typing import NDArray

from aggregator.web.charts import bin_centres_hz, hz_to_mel
from contract.audio import HOP_SAMPLES, MEL_BINS, RATE_HZ, WINDOW_SAMPLES

SOUNDS = ("dog", "chirping_birds", "rain", "siren", "yes")


def pcm(sound: str, duration_s: float = 3.0, seed: int = 0) -> NDArray[np.float64]:
    """One of ``SOUNDS`` in a room with a little noise, (samples,) within -1..1."""
    noise = np.random.default_rng(seed)
    t = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    room = _low_pass(noise.normal(size=t.size)) * 0.004 + noise.normal(size=t.size) * 0.0004
    made = {"dog": _dog, "chirping_birds": _birds, "rain": _rain, "siren": _siren, "yes": _yes}[sound](
        t, noise
    )
    return np.clip(room + made, -1, 1)


def features(sound: str, duration_s: float = 3.0, seed: int = 0) -> NDArray[np.int8]:
    """The sound as the node would send it, (frames, mel bins) int8."""
    samples = np.concatenate([np.zeros(WINDOW_SAMPLES - HOP_SAMPLES), pcm(sound, duration_s, seed)])
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW_SAMPLES)[::HOP_SAMPLES]
    window = np.hanning(WINDOW_SAMPLES + 1)[:-1]
    power = np.abs(np.fft.rfft(frames * window) / (window.sum() / 2)) ** 2
    decibels = 10 * np.log10(np.maximum(power @ _mel_filters().T, 1e-13))
    return np.clip(np.rint(decibels / 0.5) + 111, -128, 127).astype(np.int8)


def _mel_filters() -> NDArray[np.float64]:
    centres = np.array([hz_to_mel(hz) for hz in bin_centres_hz()])
    step = centres[1] - centres[0]
    mels = np.array([hz_to_mel(hz) for hz in np.fft.rfftfreq(WINDOW_SAMPLES, 1 / RATE_HZ)])
    weights = np.maximum(0, 1 - np.abs(mels[None] - centres[:, None]) / step)
    nearest = np.abs(mels[None] - centres[:, None]).argmin(axis=1)
    weights[np.arange(MEL_BINS), nearest] = np.maximum(weights[np.arange(MEL_BINS), nearest], 0.3)
    return weights


def _low_pass(x: NDArray[np.float64]) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(x)
    spectrum /= 1 + np.arange(spectrum.size) / (spectrum.size / 12)
    return np.fft.irfft(spectrum, x.size)


def _bump(t: NDArray[np.float64], at: float, length: float, attack: float = 0.015) -> NDArray[np.float64]:
    since = t - at
    return np.where(since > 0, np.minimum(since / attack, 1) * np.exp(-np.maximum(since, 0) / length), 0)


def _harmonics(phase: NDArray[np.float64], count: int, fall: float) -> NDArray[np.float64]:
    return sum(np.sin(k * phase) / k**fall for k in range(1, count + 1))


def _dog(t: NDArray[np.float64], noise: np.random.Generator) -> NDArray[np.float64]:
    total = np.zeros_like(t)
    for at in (0.6, 1.05, 1.9):
        pitch = 520 + 160 * np.exp(-((t - at - 0.06) ** 2) / 0.004)
        voice = _harmonics(2 * np.pi * np.cumsum(pitch) / RATE_HZ, 9, 0.8)
        total += _bump(t, at, 0.07) * (0.28 * voice + 0.1 * noise.normal(size=t.size))
    return total


def _birds(t: NDArray[np.float64], noise: np.random.Generator) -> NDArray[np.float64]:
    total = np.zeros_like(t)
    for at in np.sort(noise.uniform(0.2, 2.8, 9)):
        pitch = noise.uniform(3000, 4500) + noise.uniform(-9000, 9000) * np.clip(t - at, 0, 0.12)
        total += 0.22 * _bump(t, at, 0.06, 0.03) * np.sin(2 * np.pi * np.cumsum(pitch) / RATE_HZ)
    return total


def _rain(t: NDArray[np.float64], noise: np.random.Generator) -> NDArray[np.float64]:
    drops = np.where(noise.uniform(size=t.size) > 0.9985, noise.exponential(1.0, t.size), 0)
    return 0.02 * noise.normal(size=t.size) + np.convolve(
        drops, 0.12 * np.exp(-np.arange(200) / 25.0), "same"
    )


def _siren(t: NDArray[np.float64], noise: np.random.Generator) -> NDArray[np.float64]:
    pitch = 900 + 380 * np.sin(2 * np.pi * 0.55 * t)
    return 0.16 * _harmonics(2 * np.pi * np.cumsum(pitch) / RATE_HZ, 5, 1.2)


def _yes(t: NDArray[np.float64], noise: np.random.Generator) -> NDArray[np.float64]:
    pitch = 140 - 30 * np.clip(t - 1.1, 0, 0.6)
    source = _harmonics(2 * np.pi * np.cumsum(pitch) / RATE_HZ, 30, 0.7)
    vowel = source * 0.11 * np.exp(-((t - 1.35) ** 2) / 0.012)
    hiss = noise.normal(size=t.size) - _low_pass(noise.normal(size=t.size))
    hiss = np.diff(hiss, prepend=0.0)
    return vowel + 0.06 * hiss * np.exp(-((t - 1.68) ** 2) / 0.007)


def posteriors(
    drawn: NDArray[np.int8], label: int, labels: int, highest: float, step_frames: int = 10
) -> NDArray[np.uint8]:
    """Posteriors × 255 that follow the loudness of ``drawn``, (steps, labels); the last label is the rest."""
    loud = drawn[:, 10:70].max(axis=1).reshape(-1, step_frames).max(axis=1).astype(np.float64)
    rise = np.clip((loud - loud.min()) / max(float(np.ptp(loud)), 1.0), 0, 1) ** 2
    smooth = (
        np.maximum.accumulate(rise) if np.ptp(loud) < 20 else np.convolve(rise, [0.25, 0.5, 0.25], "same")
    )
    table = np.full((len(rise), labels), 0.01)
    table[:, label] = smooth / max(float(smooth.max()), 1e-6) * highest
    table[:, (label + 1) % (labels - 1)] = (1 - table[:, label]) * 0.25
    table[:, -1] = 1 - table[:, :-1].sum(axis=1)
    return np.rint(np.clip(table, 0, 1) * 255).astype(np.uint8)
