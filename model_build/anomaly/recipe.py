"""Every number that shapes an anomaly model, read from a TOML file whose ``kind`` is ``anomaly``."""

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.audio import FRAMES_PER_S
from contract.manifest import ANOMALY
from model_build.errors import RecipeError
from model_build.recipe import FOLDER, FrontendRecipe
from model_build.shape import STEP_FRAMES

STEP_S = STEP_FRAMES / FRAMES_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRecipe:
    """Shape of the autoencoder."""

    dense: int
    """Values per step that go into the LSTM."""
    hidden: int
    bottleneck: int
    """Values per step that the frames are rebuilt from."""
    decoder: int
    window_s: float
    """Sound over which the error is averaged."""

    @property
    def window_steps(self) -> int:
        """The same in steps of the classifier."""
        return round(self.window_s / STEP_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """How the weights are found."""

    seed: int
    epochs: int
    batches: int
    """In one epoch, each of other excerpts."""
    batch: int
    excerpt_s: float
    peak_rate: float
    weight_decay: float
    average_decay: float
    gain_db: float
    """An excerpt is made louder or softer by up to this."""
    dropout: float
    """Part of the input that the network must do without while it learns."""

    @property
    def excerpt_steps(self) -> int:
        """Steps of the classifier in an excerpt."""
        return round(self.excerpt_s / STEP_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecipe:
    """How scores become detections."""

    false_alarms_per_h: float
    """Of normal sound; what the threshold is chosen for."""
    smoothing_s: float
    refractory_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyRecipe:
    """One kind of anomaly model."""

    kind: str
    name: str
    version: str
    description: str
    normal: tuple[str, ...]
    """Categories of an ESC-50 table that count as normal; none: the folder ``normal`` is."""
    frontend: FrontendRecipe
    network: NetworkRecipe
    training: TrainingRecipe
    decision: DecisionRecipe


_PARTS: dict[str, type] = {
    "frontend": FrontendRecipe,
    "network": NetworkRecipe,
    "training": TrainingRecipe,
    "decision": DecisionRecipe,
}


def is_anomaly_recipe(name_or_path: str) -> bool:
    """Whether that recipe can be read and describes an anomaly model."""
    try:
        return bool(tomllib.loads(_path(name_or_path).read_text()).get("kind") == ANOMALY)
    except (OSError, ValueError):
        return False


def load_anomaly_recipe(name_or_path: str) -> AnomalyRecipe:
    """The recipe of that name, or the one in that TOML file; ``RecipeError`` says what is wrong."""
    path = _path(name_or_path)
    try:
        return parse_anomaly_recipe(tomllib.loads(path.read_text()))
    except (OSError, ValueError, RecipeError) as error:
        raise RecipeError(f"{path}: {error}") from error


def parse_anomaly_recipe(plain: dict[str, Any]) -> AnomalyRecipe:
    """The recipe that a decoded TOML document describes."""
    parts = {name: _fill(kind, plain.get(name), name) for name, kind in _PARTS.items()}
    recipe: AnomalyRecipe = _fill(AnomalyRecipe, {**plain, **parts}, "recipe")
    if recipe.network.window_steps < 2:
        raise RecipeError(f"network: window_s must be at least {2 * STEP_S:g}")
    if recipe.training.excerpt_s < recipe.network.window_s:
        raise RecipeError("training: excerpt_s must not be shorter than network window_s")
    return recipe


def _path(name_or_path: str) -> Path:
    known = FOLDER / f"{name_or_path}.toml"
    return known if known.is_file() else Path(name_or_path)


def _fill(kind: type, plain: Any, where: str) -> Any:
    if not isinstance(plain, dict):
        raise RecipeError(f"{where}: must be a table")
    names = [field.name for field in dataclasses.fields(kind)]
    for name in [*plain, *names]:
        if name not in names:
            raise RecipeError(f"{where}: unknown key {name!r}")
        if name not in plain:
            raise RecipeError(f"{where}: {name!r} is missing")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()})
