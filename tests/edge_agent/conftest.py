"""Sounds and bundles for the tests of the node."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import settings
from numpy.typing import NDArray

from contract.bundle import read_bundle
from contract.sampling import Sampling
from edge_agent.bundles import LoadedBundle, load_bundle
from tests.edge_agent.ramp import a_candidate
from tests.edge_agent.update_world import UpdateWorld

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


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory, keywords: Path) -> Callable[..., UpdateWorld]:
    """Makes nodes without devices, on which models are exchanged."""
    manifest = read_bundle(keywords).manifest

    def make(policy: str = "all", private: tuple[str, ...] = (), **first: Any) -> UpdateWorld:
        sampling = Sampling(private=private, random_per_hour=0)
        model = a_candidate(manifest, "a" * 64, **first)
        return UpdateWorld(tmp_path_factory.mktemp("state"), model, policy=policy, sampling=sampling)

    return make
