"""The review queue that is shipped, as an order of the learning curve: store, cards, values and groups."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from aggregator import bootstrap
from aggregator.services.card_index import CardIndex
from aggregator.services.inbox import Incoming
from aggregator.services.ingest import IngestService
from aggregator.services.labels import LabelService
from aggregator.services.review import LABEL, NONE, ReviewService
from aggregator.settings import load
from contract import topics, wire
from contract.audio import HOP_MS, MEL_BINS
from contract.messages import Features

NAMESPACE, REVIEWER = "soundpost", "benchmark"
REASON = "random"
"""Of every window: so the order gains nothing from what a node would have said of it."""
APART_S = 60.0
STEP_MS = 80
DIGEST = "ab" * 32


class ShippedQueue:
    """Stores a pool of windows as a fleet sends them, and reviews it card by card. Close it."""

    def __init__(self, frames: Sequence[Any]) -> None:
        """``frames`` are those of each window of the pool, (frames, MEL_BINS) int8."""
        self._frames = frames
        self._folder = tempfile.TemporaryDirectory()
        settings = load(None, {}, {"store.folder": str(Path(self._folder.name))})
        self._database = bootstrap.database(settings, migrate=True)
        self._labels = LabelService(self._database)
        self._index = CardIndex(self._database, self._labels)
        self._review = ReviewService(self._database)
        self._told = 0

    def __enter__(self) -> "ShippedQueue":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    def order(self, cards: Sequence[Any], answers: Sequence[tuple[int, str | None]]) -> int:
        """The card that the queue shows next, after ``answers``; see ``model_build.retrain.curve.Order``.

        Where every group has an answer, the first window without one.
        """
        if not self._told and not answers:
            self._store(cards)
        for card, label in answers[self._told :]:
            self._answer(card + 1, label)
        self._told = len(answers)
        self._index.finish()
        shown = self._review.next(REVIEWER)
        if shown is not None:
            return shown.window.id - 1
        done = {card for card, _ in answers}
        return next(card for card in range(len(cards)) if card not in done)

    def _store(self, cards: Sequence[Any]) -> None:
        """Windows get the ids 1, 2, 3 … in the order of ``cards``."""
        ingest = IngestService(self._database, NAMESPACE)
        first_s = time.time() - APART_S * (len(cards) + 1)
        for index, card in enumerate(cards):
            message = Features(
                boot="00000000000000b1", wall_s=first_s + APART_S * (index + 1), monotonic_s=1.0 + index,
                sequence=index + 1, model="starter@1.0.0", frontend_digest=DIGEST, reason=REASON,
                start_s=first_s + APART_S * index, hop_ms=HOP_MS, mel_bins=MEL_BINS,
                frames=self._frames[index].tobytes(), step_ms=STEP_MS, labels=card.labels,
                posteriors=np.rint(card.posteriors.clip(0, 1) * 255).astype(np.uint8).tobytes(),
            )  # fmt: skip
            ingest.store(
                [
                    Incoming(
                        topic=topics.topic_name(NAMESPACE, card.node, topics.FEATURES),
                        payload=wire.encode(topics.FEATURES, message),
                        retained=False,
                        received_s=message.wall_s,
                    )
                ]
            )
        self._index.finish()

    def _answer(self, window_id: int, label: str | None) -> None:
        if label is None:
            self._review.answer(window_id, REVIEWER, NONE)
            return
        known = {view.name: view.id for view in self._labels.labels()}
        label_id = known.get(label) or self._labels.add(label, REVIEWER).id
        self._review.answer(window_id, REVIEWER, LABEL, label_id=label_id)
