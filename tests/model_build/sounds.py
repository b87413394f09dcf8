"""Makes recordings for the tests of the loaders and checks."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from model_build.dataset import Clip, Corpus, Recordings, Sound

RATE_HZ = 16_000


def babble(seed: int, seconds: float = 1.0, rms: float = 0.1) -> NDArray[np.float64]:
    """Noise bursts that no other seed gives: like a recording, and like no other."""
    random = np.random.default_rng(seed)
    samples = round(seconds * RATE_HZ)
    envelope = np.interp(np.arange(samples), np.linspace(0, samples, 12), random.exponential(1.0, 12))
    return np.asarray(rms * envelope * random.standard_normal(samples))


def write(path: Path, sound: NDArray[np.floating], rate_hz: int = RATE_HZ) -> Path:
    """A sound file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate_hz)
    return path


def clip(
    index: int, *, word: str = "yes", split: str = "training", group: str = "", pcm: object = None
) -> Sound:
    """A decoded clip of its own."""
    content = (babble(index) * 32767).clip(-32768, 32767).astype(np.int16) if pcm is None else pcm
    assert isinstance(content, np.ndarray)
    path = Path(f"data/{split}/{word}/{index}.wav")
    return Sound(
        clip=Clip(path=path, word=word, split=split, group=group), label=word, pcm=content, seconds=1.0
    )


def recordings(*sounds: Sound, chosen: bool = True) -> Recordings:
    """As they would come from a loader."""
    corpus = Corpus(
        name="made up",
        licence="none",
        source="here",
        clips=tuple(sound.clip for sound in sounds),
        noises=(),
        chosen_splits=chosen,
    )
    return Recordings(corpus=corpus, sounds=sounds, noises=(np.ones(16_000, np.int16),), broken=())
