"""A small model of made-up words for the tests of retraining: what it learned from, and its base archive."""

import dataclasses
import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.bundle import read_bundle
from contract.manifest import INT8, PREPROCESS
from model_build.batches import Copies
from model_build.bundle import make_bundle
from model_build.evaluate import step_levels_db
from model_build.examples import ExampleSet, asked, whole_steps
from model_build.export import export_classifier
from model_build.parity import CLIPS, check_classifier
from model_build.parity_report import frontend_part, quantized_part, streamed_part
from model_build.recipe import Convolution, Recipe, load_recipe
from model_build.retrain.base import Base, Origin, Streams, Training, Validation
from model_build.retrain.growth import known_network
from model_build.retrain.hearing import Ear, base_clips, hear_clips
from model_build.runtime import Classifier, Frontend
from model_build.train import default_network, train
from model_build.workshop import calibration
from tests.model_build.fleet import Window

WORDS = {
    "yes": (300.0, 0.0),
    "no": (2200.0, 0.0),
    "up": (500.0, 2200.0),
    "go": (3800.0, -3000.0),
    "bed": (900.0, 0.0),
}
"""Pitch of each made-up word, and how far it glides."""
TARGETS = ("yes", "no", "up")
NEW = "go"
_MODELS = Path(__file__).resolve().parents[2] / "models"


def small_recipe() -> Recipe:
    """The keywords recipe with a network that trains in seconds."""
    whole = load_recipe("keywords")
    network = dataclasses.replace(
        whole.network,
        convolutions=(
            Convolution(channels=8, kernel=(3, 5), stride=(2, 4)),
            Convolution(channels=12, kernel=(3, 3), stride=(2, 4)),
        ),
        dense=24,
        hidden=24,
        pool_steps=8,
    )
    training = dataclasses.replace(
        whole.training,
        epochs=16,
        batch=32,
        network_seeds=(3,),
        dropout=0.0,
        peak_rate=8e-3,
        average_decay=0.95,
    )
    augment = dataclasses.replace(
        whole.augment, chained_part=0.0, mixup=0.0, warp=0.02, time_mask_frames=2, band_mask_bins=2
    )
    return dataclasses.replace(
        whole, targets=TARGETS, network=network, training=training, augment=augment, negatives=()
    )


@functools.cache
def frontend() -> bytes:
    """The front end of the recipe."""
    return read_bundle(_MODELS / "keywords.bundle").files[PREPROCESS]


def word(name: str, seed: int) -> NDArray[np.int16]:
    """One second in which ``name`` is said, by another voice for each seed."""
    draw = np.random.default_rng([seed, len(name), ord(name[0])])
    time_s = np.arange(RATE_HZ) / RATE_HZ
    pitch, glide = WORDS[name]
    middle_s = 0.5 + draw.uniform(-0.05, 0.05)
    phase = 2 * np.pi * (pitch * draw.uniform(0.93, 1.07) * time_s + glide * (time_s - middle_s) ** 2 / 2)
    burst = np.exp(-(((time_s - middle_s) / draw.uniform(0.12, 0.18)) ** 2))
    return _pcm(draw.uniform(0.1, 0.4) * burst * np.sin(phase) + 0.002 * draw.normal(size=time_s.size))


def quiet(seconds: float, seed: int) -> NDArray[np.int16]:
    """Faint noise."""
    return _pcm(0.002 * np.random.default_rng(seed).normal(size=round(seconds * RATE_HZ)))


def window(name: str | None, seed: int, split: str = "training", *, called: str | None = None) -> Window:
    """What a node sends of ``name``, reviewed as that or as what it is ``called``; none: noise alone."""
    draw = np.random.default_rng(seed)
    lead, tail = quiet(draw.uniform(0.4, 1.2), seed + 1), quiet(draw.uniform(0.3, 1.0), seed + 2)
    said = quiet(1.0, seed + 3) if name is None else word(name, seed)
    pcm = np.concatenate([lead, said, tail])
    frames = Frontend(frontend()).features(whole_steps(pcm))
    peak = -1 if name is None else (lead.size + round(0.8 * RATE_HZ)) // 1280
    return Window(frames=frames, label=called or name, split=split, peak_step=peak)


def starter_bundle() -> bytes:
    """The bundle of that model, as a training packs it."""
    base = starter()
    recipe, network, shown = base.recipe, known_network(base), base.training.features
    content = export_classifier(recipe.network, network.arrays(), calibration(network, shown), INT8)
    classifier, ears = Classifier(content), Frontend(base.preprocess)
    agreement = check_classifier(network, classifier, list(shown[:CLIPS]))
    clips = base_clips(base)
    heard, floating = hear_clips(classifier, clips), Ear(network).hear(clips)
    return make_bundle(
        recipe,
        base.preprocess,
        content,
        thresholds=base.origin.thresholds,
        metrics={**agreement, "temperature": base.origin.temperature},
        datasets=(),
        proof={
            "frontend": frontend_part(ears, recipe.frontend),
            "quantized": quantized_part(agreement, floating, heard, recipe.labels, recipe.decision),
            "streamed": streamed_part(classifier, shown[0]),
        },
    )


@functools.cache
def starter(digest: str = "a" * 64) -> Base:
    """The base of a small model that knows all words but the new one, with the ``digest`` of its bundle."""
    if digest != "a" * 64:
        base = starter()
        return dataclasses.replace(base, origin=dataclasses.replace(base.origin, digest=digest))
    recipe, ears = small_recipe(), Frontend(frontend())
    features, target = [], []
    for index in range(60):
        for place, name in enumerate([*TARGETS, "bed"]):
            features.append(ears.features(whole_steps(word(name, index))))
            target.append(place)
        features.append(ears.features(whole_steps(quiet(1.0, index))))
        target.append(len(TARGETS) + 1)
    shown, truth = np.stack(features), np.array(target, np.int16)
    learned = np.arange(len(truth)) < 200
    network = train(
        recipe,
        Copies(recipe, [_examples(recipe, shown[learned], truth[learned])]),
        3,
        lambda *_: None,
        make=default_network,
    )
    levels = [step_levels_db(whole_steps(word("yes", 0)))] * int((~learned).sum())
    stream = ears.features(whole_steps(quiet(20.0, 5)))
    return Base(
        recipe=recipe,
        origin=Origin(
            digest="a" * 64,
            name="keywords",
            version="1.0.0",
            datasets=(),
            thresholds=dict.fromkeys(TARGETS, 0.7),
            temperature=1.0,
            validation_learned=False,
            learned=200,
        ),
        preprocess=frontend(),
        weights={name: value.numpy() for name, value in {**network.weights, **network.moments}.items()},
        training=Training(
            features=shown[learned], target=truth[learned], copy=np.zeros(int(learned.sum()), np.uint8)
        ),
        validation=Validation(
            features=shown[~learned], truth=truth[~learned], levels_db=np.array(levels, np.float32)
        ),
        streams=Streams(
            frames=stream,
            offsets=np.array([0, len(stream)], np.int64),
            label=np.array([4], np.int16),
            varied=np.zeros(1, np.uint8),
        ),
    )


def _examples(recipe: Recipe, features: NDArray[np.int8], truth: NDArray[np.int16]) -> ExampleSet:
    steps = features.shape[1] // 4
    targets = np.repeat(truth[:, None], steps, axis=1).astype(np.int64)
    return ExampleSet(
        features=features,
        targets=targets,
        weights=np.tile(asked(recipe, steps), (len(truth), 1)),
        rejects=(targets >= len(recipe.targets)).astype(np.float32),
        sources=np.arange(len(truth))[:, None],
    )


def _pcm(wave: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.clip(np.round(wave * 32768), -32768, 32767).astype(np.int16)
