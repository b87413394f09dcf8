"""Speech in noise, at a signal-to-noise ratio that is known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model_build.audio.recordings import files_of
from model_build.audio_file import read_pcm
from model_build.dataset import Pcm
from model_build.errors import DatasetError


def noise_of(folder: Path) -> Pcm:
    """Every recording of noise in the folder, one after the other."""
    return np.concatenate([read_pcm(path) for path in files_of(folder)])


def mixed(speech: Sequence[Pcm], noise: Pcm, snr_db: float) -> list[Pcm]:
    """Each recording with another stretch of ``noise``, ``snr_db`` below it over the whole recording."""
    if noise.size < max(one.size for one in speech):
        raise DatasetError("the noise is shorter than the speech")
    heard, found, at = noise.astype(np.float64), [], 0
    for one in speech:
        at = at if at + one.size <= heard.size else 0
        stretch, at = heard[at : at + one.size], at + one.size
        power, of_noise = float((one.astype(np.float64) ** 2).mean()), max(float((stretch**2).mean()), 1e-9)
        gain = np.sqrt(power / of_noise) * 10 ** (-snr_db / 20)
        found.append(np.clip(np.rint(one + gain * stretch), -32768, 32767).astype(np.int16))
    return found
