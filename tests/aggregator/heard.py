"""Windows of a fleet, put into a store through real ingest, and made into cards."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from aggregator.services.card_index import CardIndex
from aggregator.services.ingest import IngestService
from aggregator.services.labels import LabelService
from aggregator.store.database import Database
from tests.aggregator.messages import LABELS, NAMESPACE, NOW_S, birth, features, incoming

STEPS = 33


class Heard:
    """A fleet that hears what a test wants; ``start_s`` counts from ``NOW_S`` - 1 day."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._ingest = IngestService(database, NAMESPACE, now=lambda: NOW_S)
        self._sequences: dict[str, int] = {}
        self._windows = 0
        self.index = CardIndex(database, LabelService(database))

    def node(self, name: str, site: str = "") -> None:
        """A node introduces itself."""
        self._ingest.store([incoming(birth(boot=boot_of(name), site=site), name)])

    def window(
        self,
        node: str = "attic",
        *,
        at_s: float | None = None,
        posteriors: Sequence[float] = (0.5, 0.3, 0.2),
        pattern: int | None = None,
        **fields: Any,
    ) -> int:
        """Store a window; its id. Windows of the same ``pattern`` look the same, others do not."""
        self._windows += 1
        sequence = self._sequences[node] = self._sequences.get(node, 0) + 1
        start_s = NOW_S - 86_400 + (10.0 * self._windows if at_s is None else at_s)
        message = features(
            sequence,
            boot=boot_of(node),
            start_s=start_s,
            wall_s=start_s + 3,
            frames=frames(self._windows if pattern is None else pattern),
            posteriors=steps(posteriors),
            **{"labels": LABELS, "detection": None} | fields,
        )
        self._ingest.store([incoming(message, node)])
        return self._windows

    def cards(self) -> None:
        """Make a card of each window."""
        self.index.finish()


def frames(pattern: int) -> bytes:
    """Two seconds of sound that no other ``pattern`` is near to."""
    noise = np.random.default_rng(pattern)
    coarse = noise.integers(-80, 60, size=(8, 8))
    drawn = np.repeat(np.repeat(coarse, 13, axis=0)[:100], 10, axis=1) + noise.integers(-2, 3, size=(100, 80))
    return bytes(drawn.astype(np.int8).tobytes())


def steps(posteriors: Sequence[float]) -> bytes:
    """``STEPS`` times the same posteriors."""
    return bytes(round(share * 255) for share in posteriors) * STEPS


def boot_of(node: str) -> str:
    """A boot that is the node's own."""
    return node.encode().hex().ljust(16, "0")[:16]
