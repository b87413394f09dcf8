"""Every number that shapes a model, read from a TOML file that people can read too."""

import dataclasses
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.audio import MEL_BINS
from model_build.errors import RecipeError
from model_build.shape import STEP_FRAMES

FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendRecipe:
    """What the preprocessing does before the features are stored."""

    high_pass_hz: float
    floor_rise_db_per_s: float
    """How fast the noise floor of a band may rise."""
    floor_fall: float
    """Part of the way to a lower level that the floor goes in one hop."""
    suppression_db: float
    """Bound on the attenuation: no band is lowered by more."""
    margin_db: float
    """Up to this far above the floor a band is lowered by the whole bound."""
    fade_db: float
    """Over this many decibels more the attenuation fades to none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """One layer of the stem. It looks back in time only, and to both sides in frequency."""

    channels: int
    kernel: tuple[int, int]
    """Width in time and frequency."""
    stride: tuple[int, int]
    """Step in time and frequency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRecipe:
    """Shape of the classifier."""

    convolutions: tuple[Convolution, ...]
    """Their strides in time multiply to ``STEP_FRAMES``."""
    dense: int
    hidden: int
    level_frames: int
    """Frames of the running mean level that is taken off before anything else."""
    level_prior_db: float
    level_prior_frames: float
    level_least_db: float
    """Sound quieter than this is not raised to the level of louder sound."""
    pool_steps: int
    """LSTM steps of 80 ms under the attention."""

    @property
    def history_frames(self) -> int:
        """Frames before the present ones that the stem sees."""
        seen, stride = 0, 1
        for layer in self.convolutions:
            seen += (layer.kernel[0] - 1) * stride
            stride *= layer.stride[0]
        return seen - stride + 1

    @property
    def flat(self) -> int:
        """Values per step that the convolutions give to the dense layer."""
        bins = MEL_BINS
        for layer in self.convolutions:
            bins = -(-bins // layer.stride[1])
        return bins * self.convolutions[-1].channels


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentRecipe:
    """How one recording becomes many."""

    copies: int
    """Augmented copies of the training set that are made on the waveform; epochs take turns."""
    chained_part: float
    """Part of the copies in which two clips follow each other in one stream."""
    speed: float
    gain_db: tuple[float, float]
    shift_s: float
    turn: bool
    """Whether what a shift moves out at one end comes in at the other."""
    noise_chance: float
    noise_rms: tuple[float, float]
    silence_rms: tuple[float, float]
    scrambled_part: float
    """Part of the unknown sounds that are made of targets, reversed or spliced."""
    tilt_db: float
    """Largest change of a smooth random equaliser."""
    lowpass_chance: float
    band_mask_bins: int
    time_mask_frames: int
    mixup: float
    feature_gain_db: float
    room_chance: float
    """Part of the sounds that are heard in a made-up room."""
    room_s: tuple[float, float]
    """Reverberation times of the rooms (to -60 dB)."""
    overdrive_chance: float
    """Part of the sounds that are clipped at a random level."""
    offset_chance: float
    """Part of the sounds on a constant offset, as cheap microphones have it."""
    codec_chance: float
    """Part of the sounds whose quiet bands are lost, as codecs lose them."""
    noise_tilt_db: float
    """Largest change of a smooth random equaliser that most noises go through."""
    warp: float
    """Largest part by which frequencies are stretched, as by another speaker's vocal tract."""
    spoken_clips: int | None
    """Words with fewer clips are spoken by espeak-ng until there are so many; none: they are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """How the weights are found."""

    seed: int
    """Of everything that is drawn to vary the recordings."""
    network_seeds: tuple[int, ...]
    """One network is trained with each; the one that is right most often on validation is kept."""
    epochs: int
    batch: int
    peak_rate: float
    weight_decay: float
    label_smoothing: float
    average_decay: float
    readout_s: float | None
    """Every how many seconds the model is asked while it trains; none: only where a clip ends."""
    excerpt_s: float | None
    """Length of the part of each example that an epoch hears, from a random place; none: all of it."""
    rejection: float
    """Weight of the loss for every step of sound without a target at which a target is thought heard."""
    dropout: float
    balance: float
    """A word with n clips is drawn in proportion to n to the power of one minus this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationRecipe:
    """Teachers: networks that are trained first, and say what the deployed one shall say."""

    teachers: int
    """How many; none: it learns from the labels alone."""
    part: float
    """Part of each target that the teachers give; the label gives the rest."""
    widen: float
    """How many times as wide as the deployed network they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativesRecipe:
    """Long recordings in which no target is heard."""

    folder: str
    """Name of the folder, beside or in the data set's."""
    label: str
    """What the model shall say."""
    part: float
    """Training examples cut from them, in units of an average target's."""
    held_out: float
    """Part of the recordings kept for measuring false alarms."""
    name: str
    licence: str
    source: str
    """Whom to credit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecipe:
    """How posteriors become detections and labels of clips."""

    clip_rule: str
    clip_gate_db: float | None
    smoothing_s: float
    refractory_s: float
    threshold_least: float
    """No label's threshold is lower."""
    threshold_precision: float
    """Part of a label's detections on validation clips that shall be right."""
    budget_per_h: float
    """False alarms per hour, of all labels together, that thresholds are chosen for."""
    stream_copies: int
    """Times that negatives held out are heard again, varied, while thresholds are chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One kind of model."""

    name: str
    version: str
    description: str
    layout: str
    """Which loader reads the data: ``speech_commands``, ``esc50`` or ``clips``."""
    clip_s: float
    targets: tuple[str, ...]
    unknown: str | None
    """Label of everything that is sound but no target."""
    silence: str
    """Label of everything that is no target sound at all."""
    unlabelled: str | None
    """Layout clips: what the parts of a labelled recording are that no label is about; none: not used."""
    unknown_part: float
    """Training examples of the unknown label, in units of an average target's."""
    silence_part: float
    """Training examples of the silence label, in units of an average target's."""
    frontend: FrontendRecipe
    network: NetworkRecipe
    augment: AugmentRecipe
    training: TrainingRecipe
    distillation: DistillationRecipe
    negatives: tuple[NegativesRecipe, ...]
    decision: DecisionRecipe

    @property
    def labels(self) -> tuple[str, ...]:
        """The outputs of the model, in order."""
        return (*self.targets, *([self.unknown] if self.unknown else []), self.silence)


_PARTS: dict[str, type] = {
    "frontend": FrontendRecipe,
    "augment": AugmentRecipe,
    "training": TrainingRecipe,
    "distillation": DistillationRecipe,
    "decision": DecisionRecipe,
}


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with the factory.

    >>> recipe_names()
    ('anomaly', 'denoise', 'keywords', 'sounds')
    """
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load_recipe(name_or_path: str) -> Recipe:
    """The recipe of that name, or the one in that TOML file; ``RecipeError`` says what is wrong."""
    path = FOLDER / f"{name_or_path}.toml" if name_or_path in recipe_names() else Path(name_or_path)
    try:
        plain = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        known = ", ".join(recipe_names())
        raise RecipeError(f"no recipe {name_or_path!r}: know {known}, or a path to a TOML file") from error
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: {error}") from error
    try:
        return parse_recipe(plain)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from error


def parse_recipe(plain: dict[str, Any]) -> Recipe:
    """The recipe that a decoded TOML document describes."""
    parts: dict[str, Any] = {name: _fill(kind, plain.get(name, {}), name) for name, kind in _PARTS.items()}
    negatives = plain.get("negatives", [])
    if not isinstance(negatives, list):
        raise RecipeError("negatives: must be a list of tables")
    parts["negatives"] = tuple(_fill(NegativesRecipe, table, "negatives") for table in negatives)
    parts["network"] = network_recipe(plain.get("network", {}))
    recipe: Recipe = _fill(Recipe, {**plain, **parts}, "recipe")
    if recipe.layout not in ("speech_commands", "esc50", "clips"):
        raise RecipeError(f"layout must be speech_commands, esc50 or clips, not {recipe.layout!r}")
    if recipe.unlabelled not in (None, recipe.unknown, recipe.silence):
        raise RecipeError(
            f"unlabelled must be {recipe.silence} or the unknown label, not {recipe.unlabelled!r}"
        )
    if len(set(recipe.labels)) != len(recipe.labels):
        raise RecipeError("a label stands twice")
    if not recipe.training.network_seeds:
        raise RecipeError("training: network_seeds must name at least one seed")
    for table in recipe.negatives:
        if table.label not in (recipe.unknown, recipe.silence):
            raise RecipeError(f"negatives: {table.label!r} is neither the unknown nor the silence label")
    return recipe


def network_recipe(plain: dict[str, Any]) -> NetworkRecipe:
    """The shape that a decoded ``[network]`` table describes."""
    if not isinstance(plain, dict):
        raise RecipeError("network: must be a table")
    layers = plain.get("convolutions", [])
    if not isinstance(layers, list) or not layers:
        raise RecipeError("network: 'convolutions' must be a list of tables")
    convolutions = tuple(_fill(Convolution, layer, "network: convolutions") for layer in layers)
    if math.prod(layer.stride[0] for layer in convolutions) != STEP_FRAMES:
        raise RecipeError(f"network: the strides in time must multiply to {STEP_FRAMES}")
    recipe: NetworkRecipe = _fill(NetworkRecipe, {**plain, "convolutions": convolutions}, "network")
    return recipe


def _fill(kind: type, plain: dict[str, Any], where: str) -> Any:
    if not isinstance(plain, dict):
        raise RecipeError(f"{where}: must be a table")
    optional = {"spoken_clips", "clip_gate_db", "excerpt_s", "readout_s", "unknown", "unlabelled"}
    names = {field.name for field in dataclasses.fields(kind)}
    for name in plain:
        if name not in names:
            raise RecipeError(f"{where}: unknown key {name!r}")
    missing = sorted(names - set(plain) - optional)
    if missing:
        raise RecipeError(f"{where}: {missing[0]!r} is missing")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    return kind(**dict.fromkeys(names & optional) | values)
