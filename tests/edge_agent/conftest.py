"""Sounds and bundles for the tests of the node."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import settings
from numpy.typing import NDArray

from edge_agent.bundles import LoadedBundle, load_bundle

# How fast a machine is must not decide whether a test passes.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

VERSION = "0.1.0"
Pcm = NDArray[np.int16]


def noise(seconds: float, seed: int = 1, level: float = 800.0) -> Pcm:
    """Noise with a rising tone in it."""
    times = np.arange(round(seconds * 16_000)) / 16_000
    draw = np.random.default_rng(seed)
    tone = 3 * level * np.sin(2 * np.pi * (200 + 400 * times) * times)
    return (tone + draw.normal(0, level, len(times))).astype(np.int16)


@pytest.fixture
def make_wav(tmp_path: Path) -> Callable[..., Path]:
    """Writes a sound file into a folder of the test's own."""

    def make(name: str = "a.wav", seconds: float = 1.0, rate_hz: int = 16_000, channels: int = 1) -> Path:
        path = tmp_path / "sounds" / name
        path.parent.mkdir(exist_ok=True)
        sound = noise(seconds * rate_hz / 16_000)
        soundfile.write(path, np.stack([sound] * channels, axis=1), rate_hz)
        return path

    return make


@pytest.fixture(scope="session")
def keywords(models: Path) -> Path:
    """The bundle that the project ships for spoken words."""
    path = models / "keywords.bundle"
    if not path.exists():
        pytest.skip("needs models/keywords.bundle")
    return path


@pytest.fixture
def bundle(keywords: Path) -> LoadedBundle:
    """It, loaded."""
    return load_bundle(keywords, VERSION)
