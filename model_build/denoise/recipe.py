"""Every number that shapes a denoiser, read from a TOML file whose ``kind`` is ``denoise``."""

import tomllib
from dataclasses import dataclass
from typing import Any

from contract.audio import RATE_HZ, WINDOW_SAMPLES
from contract.denoise.spectra import PER_HOP, STRIDE_SAMPLES
from contract.manifest import DENOISE
from model_build.anomaly.recipe import _fill, _path
from model_build.errors import RecipeError


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRecipe:
    """Shape of the network."""

    dropout: float
    """Part of what each layer gives on that is left out while it learns."""
    dense: int
    """Values of each spectrum that go into the LSTM."""
    hidden: int
    """Units of each of the two LSTM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """How the weights are found."""

    seed: int
    steps: int
    batch: int
    mixtures: int
    """How often a draw of recordings is mixed before the next is drawn."""
    excerpt_s: float
    peak_rate: float
    weight_decay: float
    average_decay: float

    @property
    def spectra(self) -> int:
        """Spectra in an excerpt, whole hops."""
        found = (round(self.excerpt_s * RATE_HZ) - WINDOW_SAMPLES) // STRIDE_SAMPLES + 1
        return found // PER_HOP * PER_HOP

    @property
    def excerpt_samples(self) -> int:
        """Samples under them."""
        return WINDOW_SAMPLES + (self.spectra - 1) * STRIDE_SAMPLES


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRecipe:
    """What counts as near to the clean sound."""

    power: float
    magnitude: float
    phase: float
    distortion: float
    """Worth of a decibel of signal over distortion."""
    shape: float
    """Of how the loudness of each band goes over a third of a second, as intelligibility hangs on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixingRecipe:
    """How speech and noise meet while the network learns."""

    snr_db: tuple[float, float]
    level_db: tuple[float, float]
    """Of the speech, relative to full scale."""
    words_part: float
    """Part of the targets that is strung together from short clips."""
    recorded_part: float
    babble_part: float
    """Noises that many voices make; the rest is made up: coloured, humming, swelling."""
    second_noise_chance: float
    room_chance: float
    clip_chance: float
    speech_tilt_db: float
    noise_tilt_db: float
    """Spread of a smooth random equaliser."""
    speeds: tuple[float, ...]
    """How fast each sentence is spoken, one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiseRecipe:
    """One kind of denoiser."""

    kind: str
    name: str
    version: str
    description: str
    network: NetworkRecipe
    training: TrainingRecipe
    loss: LossRecipe
    mixing: MixingRecipe


_PARTS: dict[str, type] = {
    "network": NetworkRecipe,
    "training": TrainingRecipe,
    "loss": LossRecipe,
    "mixing": MixingRecipe,
}


def is_denoise_recipe(name_or_path: str) -> bool:
    """Whether that recipe can be read and describes a denoiser."""
    try:
        return bool(tomllib.loads(_path(name_or_path).read_text()).get("kind") == DENOISE)
    except (OSError, ValueError):
        return False


def load_denoise_recipe(name_or_path: str) -> DenoiseRecipe:
    """The recipe of that name, or the one in that TOML file; ``RecipeError`` says what is wrong."""
    path = _path(name_or_path)
    try:
        return parse_denoise_recipe(tomllib.loads(path.read_text()))
    except (OSError, ValueError, RecipeError) as error:
        raise RecipeError(f"{path}: {error}") from error


def parse_denoise_recipe(plain: dict[str, Any]) -> DenoiseRecipe:
    """The recipe that a decoded TOML document describes."""
    parts = {name: _fill(kind, plain.get(name), name) for name, kind in _PARTS.items()}
    recipe: DenoiseRecipe = _fill(DenoiseRecipe, {**plain, **parts}, "recipe")
    if recipe.training.spectra < PER_HOP:
        raise RecipeError("training: excerpt_s is too short for a hop")
    if recipe.mixing.recorded_part + recipe.mixing.babble_part > 1:
        raise RecipeError("mixing: recorded_part and babble_part are more than 1 together")
    return recipe
