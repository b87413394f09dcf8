"""Fixtures of the factory's tests: bundles that come with the project, and small made-up data sets."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from contract.bundle import Bundle, read_bundle

WriteSound = Callable[..., Path]


@pytest.fixture(params=["keywords", "sounds"])
def bundle(request: pytest.FixtureRequest, models: Path) -> Bundle:
    """Each bundle that the project ships."""
    return read_bundle(models / f"{request.param}.bundle")


@pytest.fixture
def write_sound() -> WriteSound:
    """Writes a tone as a sound file of any format and rate."""

    def write(
        path: Path, *, hz: float = 440.0, seconds: float = 1.0, rate_hz: int = 16_000, seed: int = 0
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        time_s = np.arange(round(seconds * rate_hz)) / rate_hz
        burst = np.exp(-(((time_s - seconds / 2) / (seconds / 5)) ** 2))
        noise = np.random.default_rng(seed).normal(size=time_s.size)
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * time_s) * burst + 0.003 * noise, rate_hz)
        return path

    return write


@pytest.fixture
def commands(tmp_path: Path, write_sound: WriteSound) -> Path:
    """A folder in the layout of Speech Commands, whose words are tones."""
    words = ["yes", "no", "up", "down", "left", "right", "go", "bed", "six"]
    for place, word in enumerate(words):
        for split, speakers in (("training", range(6)), ("validation", range(6, 9))):
            for speaker in speakers:
                path = tmp_path / split / word / f"{speaker:08x}_nohash_0.wav"
                pitch = 1 + 0.02 * speaker
                write_sound(path, hz=250.0 * 1.35**place * pitch, seed=100 * place + speaker)
    write_sound(tmp_path / "_background_noise_" / "hiss.wav", hz=50.0, seconds=3.0)
    return tmp_path


@pytest.fixture
def esc10(tmp_path: Path, write_sound: WriteSound) -> Path:
    """A folder in the layout of ESC-50 with one class of ESC-10 and one that is not."""
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    for fold in (1, 2):
        for category, target, tiny in (("dog", 0, True), ("cow", 3, False)):
            name = f"{fold}-100-A-{target}.ogg"
            write_sound(tmp_path / "audio" / name, seconds=2.0, rate_hz=44_100)
            rows.append(f"{name},{fold},{target},{category},{tiny},100,A")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text("\n".join(rows) + "\n")
    return tmp_path
