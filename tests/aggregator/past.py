"""Weeks of a node, put into a store: levels, detections and windows as a test wants them."""

import numpy as np

from aggregator.services.drift_index import HOUR_S, DriftIndex
from aggregator.services.ingest import IngestService
from aggregator.services.rows import LEVELS_PER_DB
from aggregator.store.database import Database
from aggregator.store.tables import levels
from tests.aggregator.messages import BOOT, NAMESPACE, birth, detection, features, incoming

NOW_S = 1_800_000_000.0
DAY = 24.0
STRETCH_S = 300
SHAPE = (100, 80)


class Past:
    """What a node heard. Hours count backwards from now; ``later`` lets time pass."""

    def __init__(self, database: Database, node: str = "attic", now_s: float = NOW_S) -> None:
        self.database = database
        self.now_s = now_s
        self._node = node
        self._boot = BOOT if node == "attic" else node.encode().hex().ljust(16, "0")[:16]
        self._sequence = 0
        self._chance = np.random.default_rng(7)
        self._ingest = IngestService(database, NAMESPACE, now=lambda: self.now_s)
        self._ingest.store([incoming(birth(boot=self._boot, wall_s=now_s), node, received_s=now_s)])
        with database.read() as connection:
            self.id = connection.exec_driver_sql(f"SELECT id FROM nodes WHERE name = '{node}'").scalar_one()
        self.index = DriftIndex(database, now=lambda: self.now_s)

    def later(self, hours: float) -> None:
        """Let time pass, and look again."""
        self.now_s += hours * HOUR_S
        self.index.finish()

    def levels(self, since: float, until: float, quiet_dbfs: float, loud_dbfs: float) -> None:
        """Levels between two, a quarter of the time, from so many hours ago to so many."""
        rows = []
        for start_s in np.arange(self.now_s - since * HOUR_S, self.now_s - until * HOUR_S, 3 * STRETCH_S):
            values = self._chance.uniform(quiet_dbfs, loud_dbfs, STRETCH_S) * LEVELS_PER_DB
            content = values.astype("<i2").tobytes()
            rows.append({"node_id": self.id, "start_s": float(start_s), "values": content})
        with self.database.write() as connection:
            connection.execute(levels.insert(), rows)

    def detections(self, hours_ago: list[float], label: str = "dog", posterior: float = 0.9) -> None:
        """One detection at each of these times."""
        made = []
        for ago in hours_ago:
            self._sequence += 1
            end_s = self.now_s - ago * HOUR_S
            times = {"start_s": end_s - 1, "end_s": end_s, "wall_s": end_s}
            made.append(detection(self._sequence, boot=self._boot, label=label, posterior=posterior, **times))
        self._ingest.store([incoming(one, self._node, received_s=self.now_s) for one in made])

    def windows(self, hours_ago: list[float], floor: int = 0, hum: tuple[int, ...] = ()) -> None:
        """A window at each of these times; the bins of ``hum`` are 20 dB louder."""
        made = []
        for ago in hours_ago:
            self._sequence += 1
            frames = self._chance.integers(floor, floor + 3, SHAPE)
            frames[:, list(hum)] += 40
            start_s = self.now_s - ago * HOUR_S
            made.append(
                features(
                    self._sequence, boot=self._boot, detection=None, start_s=start_s, wall_s=start_s + 3,
                    frames=frames.astype(np.int8).tobytes(),
                )
            )  # fmt: skip
        self._ingest.store([incoming(one, self._node, received_s=self.now_s) for one in made])
