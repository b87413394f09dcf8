"""A fleet over a real store: births and reports go through ingest, rollouts through the engine."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from aggregator.domain.published import Published
from aggregator.domain.rollouts.plan import Wave
from aggregator.domain.rollouts.tally import Patience
from aggregator.domain.rollouts.words import read_wave
from aggregator.services.audit import AuditService
from aggregator.services.desired import Delivery, DesiredService
from aggregator.services.ingest import IngestService
from aggregator.services.pins import PinService
from aggregator.services.rollout_engine import RolloutEngine
from aggregator.services.rollout_wish import Wish
from aggregator.services.rollouts import RolloutService
from aggregator.store.database import Database
from contract.updates import Desired
from tests.aggregator import messages

OLD, NEW, NEWER = "cd" * 32, "aa" * 32, "bb" * 32
FOREVER_S = 1e10
CANARY_FIRST = ("canary=1, success=100%", "all=100%")


def bundle(digest: str = NEW, **fields: object) -> Published:
    """A bundle that is published."""
    given = {
        "target": f"sounds-2.0.0-{digest[:12]}.bundle", "model": f"sounds@2.{digest[:1]}",
        "labels": messages.LABELS, "frontend_digest": messages.DIGEST, "size_bytes": 400_000,
        "minimum_agent_version": "0.1.0", "nodes": None, "published_s": 0.0, "expires_s": FOREVER_S,
    }  # fmt: skip
    return Published(digest=digest, **(given | fields))  # type: ignore[arg-type]


@dataclass
class Shelf:
    """What is published."""

    bundles: list[Published] = field(default_factory=lambda: [bundle(NEW), bundle(NEWER)])

    def published(self) -> Sequence[Published]:
        return tuple(self.bundles)


class Rolling:
    """Everything that rollouts consist of, with a clock that a test moves."""

    def __init__(self, database: Database) -> None:
        self.now_s = messages.NOW_S
        self.database = database
        self.shelf = Shelf()
        self.ingest = IngestService(database, messages.NAMESPACE, now=self._now)
        self.rollouts = RolloutService(database, self.shelf, now=self._now)
        self.pins = PinService(database, self.shelf, now=self._now)
        self.audit = AuditService(database, now=self._now)
        self.desired = DesiredService(
            database, Delivery(url="https://hub/ota/v1", token=lambda node: f"token of {node}"), now=self._now
        )
        self.restart()
        self._sequences: dict[str, int] = {}

    def restart(self) -> None:
        """A new engine that remembers nothing."""
        self.engine = RolloutEngine(self.database, self.shelf, Patience(), now=self._now)

    def nodes(self, *names: str, **fields: object) -> None:
        """Nodes introduce themselves."""
        births = [messages.birth(wall_s=self.now_s, **fields) for _ in names]
        self.ingest.store(
            [
                messages.incoming(birth, name, received_s=self.now_s)
                for name, birth in zip(names, births, strict=True)
            ]
        )

    def make(self, *waves: str, **fields: object) -> int:
        """A rollout; its number."""
        wish = Wish(release=NEW, waves=_waves(waves or CANARY_FIRST), seed="seed")
        return self.rollouts.create(replace(wish, **fields), "ada").id  # type: ignore[arg-type]

    def tick(self, later_s: float = 6.0) -> None:
        """Time passes, and the engine does what is due."""
        self.now_s += later_s
        while self.engine.step():
            pass

    def wants(self, node: str) -> Desired | None:
        return self.desired.desired(node)

    def told(self) -> list[str]:
        """Who is to be told something; as if it were sent."""
        waiting = self.desired.unsent()
        self.desired.mark_sent(waiting)
        return sorted(one.node for one in waiting)

    def say(self, node: str, phase: str, **fields: object) -> None:
        """A node reports on what it is to run."""
        wanted = self.wants(node)
        assert wanted is not None
        self._sequences[node] = self._sequences.get(node, 0) + 1
        given = {"release": wanted.release, "rollout": wanted.rollout, "attempt": wanted.attempt} | fields
        report = messages.update(self._sequences[node], phase=phase, wall_s=self.now_s, **given)
        self.ingest.store([messages.incoming(report, node, received_s=self.now_s)])

    def states(self, number: int) -> dict[str, str]:
        members = self.rollouts.detail(number, limit=10_000).members
        return {one.node: one.state for one in sorted(members, key=lambda one: (one.wave, one.node))}

    def _now(self) -> float:
        return self.now_s


def _waves(words: Sequence[str]) -> tuple[Wave, ...]:
    return tuple(read_wave(one) for one in words)
