"""A store full of reviewed windows, and a starter's base archive, made up: for what things cost.

Each label is a pattern of levels, so that a training has something to learn.
"""

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aggregator.services.inbox import Incoming
from aggregator.services.ingest import IngestService
from aggregator.services.labels import LabelService
from aggregator.store import reviews
from aggregator.store.database import Database
from contract import topics, wire
from contract.audio import FRAMES_PER_S, HOP_MS, MEL_BINS
from contract.bundle import Bundle
from contract.manifest import PREPROCESS, is_target
from contract.messages import Features

NAMESPACE, REVIEWER = "soundpost", "benchmark"
NEW = "owl"
NODES = 10
WINDOW_FRAMES = 3 * FRAMES_PER_S
CLIP_FRAMES = 52
APART_S = 60.0
STEP_MS, STEP_FRAMES = 80, 4
CLIPS, VALIDATION_CLIPS, STREAM_FRAMES = 3000, 400, 600 * FRAMES_PER_S
_BATCH = 200


class MadeUp:
    """Sounds and windows of the labels of a bundle, and of a new one."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.labels = bundle.manifest.labels
        self._draw = np.random.default_rng(1)
        names = (*self.labels, NEW)
        coarse = self._draw.integers(-40, 90, (len(names), 4, 10))
        self._patterns = {
            name: np.repeat(np.repeat(coarse[place], 13, axis=0), 8, axis=1) * is_target(name)
            for place, name in enumerate(names)
        }

    def clip(self, label: str) -> NDArray[np.int8]:
        """(CLIP_FRAMES, MEL_BINS)"""
        return self._heard(label, CLIP_FRAMES, 0)

    def window(self, label: str) -> NDArray[np.int8]:
        """(WINDOW_FRAMES, MEL_BINS) with the label anywhere in it."""
        start = int(self._draw.integers(WINDOW_FRAMES - CLIP_FRAMES))
        return self._heard(label, WINDOW_FRAMES, start)

    def _heard(self, label: str, frames: int, start: int) -> NDArray[np.int8]:
        heard = self._draw.integers(-75, -45, (frames, MEL_BINS))
        heard[start : start + CLIP_FRAMES] += self._patterns[label]
        return np.clip(heard, -128, 127).astype(np.int8)

    def features(self, sequence: int, label: str, start_s: float) -> bytes:
        """A window as a node sends it."""
        posteriors = self._draw.integers(0, 256, (WINDOW_FRAMES // STEP_FRAMES, len(self.labels)), np.uint8)
        return wire.encode(
            topics.FEATURES,
            Features(
                boot="00000000000000b1", wall_s=start_s + 5, monotonic_s=float(sequence), sequence=sequence,
                model=self.bundle.manifest.model, frontend_digest=self.bundle.manifest.frontend_digest,
                reason="uncertain", start_s=start_s, hop_ms=HOP_MS, mel_bins=MEL_BINS,
                frames=self.window(label).tobytes(), step_ms=STEP_MS, labels=self.labels,
                posteriors=posteriors.tobytes(),
            ),
        )  # fmt: skip


def fill(database: Database, made: MadeUp, count: int) -> None:
    """Store ``count`` windows of ten nodes and a review of each; a twentieth is of the new label."""
    ingest = IngestService(database, NAMESPACE)
    names = [label for label in made.labels if is_target(label)] + [None] * 3
    truth = [NEW if place % 20 == 0 else names[place % len(names)] for place in range(count)]
    first_s = time.time() - APART_S * (count + 10)
    for begin in range(0, count, _BATCH):
        messages = []
        for place in range(begin, min(count, begin + _BATCH)):
            start_s = first_s + APART_S * place
            payload = made.features(place // NODES + 1, truth[place] or made.labels[-1], start_s)
            topic = topics.topic_name(NAMESPACE, f"node-{place % NODES}", topics.FEATURES)
            messages.append(Incoming(topic=topic, payload=payload, retained=False, received_s=start_s + 5))
        ingest.store(messages)
    labels = LabelService(database)
    with database.write() as connection:
        labels.ensure(connection, made.labels, None)
    labels.add(NEW, REVIEWER)
    ids = {view.name: view.id for view in labels.labels()}
    rows = [
        {
            "window_id": place + 1, "reviewer": REVIEWER, "verdict": "none" if name is None else "label",
            "label_id": None if name is None else ids[name], "batch": f"{place:032x}", "source": "import",
            "made_s": time.time(),
        }
        for place, name in enumerate(truth)
    ]  # fmt: skip
    with database.write() as connection:
        reviews.add(connection, rows)


def write_starter(made: MadeUp, path: Path) -> None:
    """The base archive of the keywords recipe, with weights that have learned nothing."""
    from model_build.network import Network
    from model_build.recipe import load_recipe
    from model_build.retrain.base import Base, Origin, Streams, Training, Validation
    from model_build.retrain.base_file import write_base
    from model_build.retrain.mixing import step_levels_db

    recipe = load_recipe("keywords")
    network = Network(recipe.network, len(recipe.labels), 1)
    weights = {name: np.asarray(value) for name, value in {**network.weights, **network.moments}.items()}
    target = np.arange(CLIPS) % len(recipe.labels)
    truth = np.arange(VALIDATION_CLIPS) % len(recipe.labels)
    held = [made.clip(recipe.labels[place]) for place in truth]
    base = Base(
        recipe=recipe,
        origin=Origin(
            digest=made.bundle.digest, name=recipe.name, version=recipe.version, datasets=(),
            thresholds=dict.fromkeys(recipe.targets, 0.5), temperature=1.0, validation_learned=False,
            learned=CLIPS,
        ),
        preprocess=made.bundle.files[PREPROCESS],
        weights=weights,
        training=Training(
            features=np.stack([made.clip(recipe.labels[place]) for place in target]),
            target=target.astype(np.int16),
            copy=np.zeros(CLIPS, np.uint8),
        ),
        validation=Validation(
            features=np.stack(held),
            truth=truth.astype(np.int16),
            levels_db=np.stack([step_levels_db(clip) for clip in held]),
        ),
        streams=Streams(
            frames=np.random.default_rng(2).integers(-75, -45, (STREAM_FRAMES, MEL_BINS)).astype(np.int8),
            offsets=np.array([0, STREAM_FRAMES]),
            label=np.array([recipe.labels.index(recipe.silence)], np.int16),
            varied=np.zeros(1, np.uint8),
        ),
    )  # fmt: skip
    write_base(base, path)
