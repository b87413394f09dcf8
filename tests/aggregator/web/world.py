"""A small fleet in memory: every service that the dashboard asks, without a database."""

import queue
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from aggregator.domain.roles import Person, Role, permissions_of
from aggregator.domain.sampling import Policy
from aggregator.errors import (
    CommandError,
    CursorError,
    PasswordError,
    PolicyError,
    TooManyAttemptsError,
    UnknownNodeError,
)
from aggregator.services.catalogue import Services
from aggregator.services.commands import CommandView
from aggregator.services.detections import DetectionDetail, DetectionFilter, DetectionView, Page, WindowView
from aggregator.services.drift_views import AlertView, DriftView
from aggregator.services.fleet import (
    BootView,
    DetectionCounts,
    GapView,
    LevelPoint,
    LevelSeries,
    NodeDetail,
    NodeView,
)
from aggregator.services.listening import ListeningView
from aggregator.services.live import LiveChange
from aggregator.services.sampling import NodeSampling
from aggregator.services.statistics import Latency, QuarantineView, Statistics
from aggregator.services.talk import TalkView
from contract.commands import COMMANDS
from contract.sampling import Sampling
from tests.aggregator.web import sounds
from tests.aggregator.web.learning_world import FakeReleases, FakeRetrain, FakeSnapshots

PASSWORD = "a long password"
CODE = "setup-code"
DIGEST = "ab" * 32


def a_node(name: str, **changes: object) -> NodeView:
    """A healthy node; ``changes`` make it what a test needs."""
    node = NodeView(
        name=name, site="Loft", tags=("indoor",), status="online", online=True, boot="0" * 16,
        last_heard_s=1_700_000_000.0, level_dbfs=-41.3, peak_dbfs=-20.0, input_state="hearing",
        input="microphone USB PnP", model="sounds@1.0.0", labels=("dog", "rain", "_background_"),
        publish="results+features", agent_version="0.1.0", runtime="litert 2.1", platform="Raspberry Pi 4",
        cpu_percent=1.4, rss_bytes=52_000_000, temperature_c=48.2, outbox_rows=0, outbox_bytes=0, gaps=0,
        dropped=0, clock_synced=True, clock_offset_s=0.02, problems=(),
    )  # fmt: skip
    return replace(node, **changes)


def a_detection(number: int, **changes: object) -> DetectionView:
    """Detection ``number``, made ``number`` seconds into the world's time."""
    detection = DetectionView(
        id=number, node="attic", label="dog", posterior=0.93, threshold=0.5, start_s=1_700_000_000.0 + number,
        end_s=1_700_000_000.9 + number, level_dbfs=-22.0, model="sounds@1.0.0", boot="0" * 16,
        sequence=number, stored_s=1_700_000_001.0 + number, clock_trusted=True, window_id=None,
    )  # fmt: skip
    return replace(detection, **changes)


def a_window(number: int, sound: str = "dog", **changes: object) -> WindowView:
    """A window of ``sound`` with posteriors that follow its loudness."""
    features = sounds.features(sound, seed=number)
    loud = features[:, 20:60].max(axis=1).reshape(-1, 10).max(axis=1).astype(np.float32)
    share = np.clip((loud - loud.min()) / max(float(np.ptp(loud)), 1.0), 0, 1) * 0.94
    posteriors = np.stack([share, (1 - share) * 0.3, (1 - share) * 0.7], axis=1)
    window = WindowView(
        id=number, node="attic", model="sounds@1.0.0", frontend_digest=DIGEST, reason="detection",
        detection_id=number, start_s=1_700_000_000.0 + number - 0.6, hop_ms=20, step_ms=200,
        labels=("dog", "rain", "_background_"), features=features, posteriors=posteriors,
    )  # fmt: skip
    return replace(window, **changes)


class FakeAccounts:
    """Users of any name with one password, administrators unless ``roles`` says otherwise; like limits."""

    def __init__(self, password: str | None = PASSWORD) -> None:
        self.password = password
        self.roles: dict[str, tuple[Role, ...]] = {}
        self.sessions: dict[str, str] = {}
        self.failures = 0

    def is_set(self) -> bool:
        return self.password is not None

    def setup_code(self) -> str:
        return CODE

    def set_first(self, password: str, code: str) -> None:
        if self.password is not None:
            raise PasswordError("a password is set already")
        if code != CODE:
            raise PasswordError("the setup code is wrong")
        if len(password) < 8:
            raise PasswordError("a password needs at least 8 characters")
        self.password = password

    def verify(self, name: str, password: str, client: str) -> bool:
        if self.failures >= 5:
            raise TooManyAttemptsError(30.0)
        self.failures += password != self.password
        return password == self.password

    def sign_in(self, name: str, password: str, code: str, client: str) -> str | None:
        return self.begin(name) if self.verify(name, password, client) else None

    def begin(self, name: str) -> str:
        cookie = f"session {len(self.sessions)}"
        self.sessions[cookie] = name
        return cookie

    def session(self, cookie: str) -> Person | None:
        name = self.sessions.get(cookie)
        if name is None:
            return None
        return Person(name=name, permissions=permissions_of(self.roles.get(name, (Role.ADMIN,))))

    def sign_out(self, cookie: str) -> None:
        del self.sessions[cookie]

    def asks_for_codes(self) -> bool:
        return False

    def only_admin(self) -> bool:
        return True

    def session_secret(self) -> bytes:
        return b"secret of the tests"


class FakeTokens:
    """Secrets, and who comes with them."""

    def __init__(self) -> None:
        self.by_secret: dict[str, Person] = {}

    def person(self, secret: str) -> Person | None:
        return self.by_secret.get(secret)


class FakeAudit:
    """Remembers what was recorded."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, Mapping[str, object]]] = []

    def record(self, who: str, action: str, details: Mapping[str, object]) -> None:
        self.said.append((who, action, details))


class FakeFleet:
    """Nodes by name."""

    def __init__(self, nodes: Sequence[NodeView] = (), gaps: tuple[GapView, ...] = ()) -> None:
        self.by_name = {node.name: node for node in nodes}
        self.gaps = gaps

    def nodes(self, names: Sequence[str] | None = None) -> list[NodeView]:
        return [self.by_name[name] for name in sorted(self.by_name) if names is None or name in names]

    def node(self, name: str) -> NodeDetail | None:
        view = self.by_name.get(name)
        if view is None:
            return None
        boots = (BootView(boot="0" * 16, first_heard_s=1.0, last_heard_s=2.0, through=3, received=3),)
        return NodeDetail(
            view=view, bundle_digest=DIGEST, frontend_digest=DIGEST, thresholds=(0.5, 0.6, None), step_ms=200,
            sampling=Sampling(), started_s=1_699_990_000.0, heard_s=9_000.0, overruns=0,
            disk_free_bytes=12_000_000_000, last_sequence=42, detections=21, boots=boots, gaps=self.gaps,
        )  # fmt: skip

    def levels(self, name: str, since_s: float, until_s: float, points: int = 300) -> LevelSeries:
        bucket = (until_s - since_s) / points
        wave = [-50 + 12 * np.sin(index / 9.0) + 5 * np.sin(index * 1.7) for index in range(points)]
        made = tuple(
            LevelPoint(start_s=since_s + index * bucket, min_dbfs=v - 6, mean_dbfs=float(v), max_dbfs=v + 9)
            for index, v in enumerate(wave)
            if not points // 2 <= index < points // 2 + points // 20
        )
        return LevelSeries(since_s=since_s, until_s=until_s, bucket_s=bucket, points=made)

    def detection_counts(
        self, name: str | None, since_s: float, until_s: float, buckets: int = 48
    ) -> DetectionCounts:
        rows = {
            "dog": tuple(i % 5 for i in range(buckets)),
            "rain": tuple(i % 7 == 3 for i in range(buckets)),
        }
        counts = {label: tuple(int(count) for count in row) for label, row in rows.items()}
        return DetectionCounts(
            since_s=since_s, until_s=until_s, bucket_s=(until_s - since_s) / buckets, counts=counts
        )


class FakeDetections:
    """Detections and windows by id. A cursor is ``<`` or ``>`` and an id."""

    def __init__(self, heard: Sequence[DetectionView] = (), windows: Sequence[WindowView] = ()) -> None:
        self.heard = {one.id: one for one in heard}
        self.windows = {window.id: window for window in windows}

    def _matching(self, wanted: DetectionFilter) -> list[DetectionView]:
        return [
            one
            for one in sorted(self.heard.values(), key=lambda one: -one.start_s)
            if (wanted.node is None or one.node == wanted.node)
            and (wanted.label is None or one.label == wanted.label)
            and (wanted.since_s is None or one.start_s >= wanted.since_s)
            and (wanted.until_s is None or one.start_s < wanted.until_s)
            and (wanted.min_posterior is None or one.posterior >= wanted.min_posterior)
        ]

    def page(self, wanted: DetectionFilter, cursor: str | None = None, limit: int = 50) -> Page:
        matching = self._matching(wanted)
        if cursor is None:
            first = 0
        elif cursor[:1] in ("<", ">") and cursor[1:].isdecimal():
            newer = [one for one in matching if one.id > int(cursor[1:])]
            first = max(len(newer) - limit, 0) if cursor[0] == ">" else len(newer) + 1
        else:
            raise CursorError("this is not a cursor of ours")
        items = tuple(matching[first : first + limit])
        has_older, has_newer = first + limit < len(matching), first > 0 and bool(items)
        return Page(
            items=items,
            older=f"<{items[-1].id}" if has_older else None,
            newer=f">{items[0].id}" if has_newer else None,
        )

    def detection(self, detection_id: int) -> DetectionDetail | None:
        one = self.heard.get(detection_id)
        if one is None:
            return None
        window = self.windows.get(one.window_id) if one.window_id is not None else None
        ids = set(self.heard)
        return DetectionDetail(
            detection=one,
            window=window,
            older_id=detection_id - 1 if detection_id - 1 in ids else None,
            newer_id=detection_id + 1 if detection_id + 1 in ids else None,
        )

    def window(self, window_id: int) -> WindowView | None:
        return self.windows.get(window_id)

    def newest(self, limit: int = 20, *, node: str | None = None) -> list[DetectionView]:
        return self._matching(DetectionFilter(node=node))[:limit]

    def last_of_each(self, limit: int) -> dict[str, list[DetectionView]]:
        names = {one.node for one in self.heard.values()}
        return {name: self._matching(DetectionFilter(node=name))[:limit] for name in names}

    def export(self, wanted: DetectionFilter) -> Iterator[DetectionView]:
        yield from self._matching(wanted)

    def labels(self) -> list[str]:
        return sorted({one.label for one in self.heard.values()})


class FakeListener:
    """Hands out what the test put into the feed."""

    def __init__(self, changes: "queue.SimpleQueue[LiveChange | None]") -> None:
        self._changes = changes
        self.closed = False

    def next(self, timeout_s: float) -> LiveChange | None:
        try:
            return self._changes.get_nowait()
        except queue.Empty:
            self.closed = True
            return None


class FakeLive:
    """Ends when its changes do."""

    def __init__(self) -> None:
        self.changes: queue.SimpleQueue[LiveChange | None] = queue.SimpleQueue()
        self.cursors: list[str | None] = []
        self.open = 0

    @contextmanager
    def listen(self, cursor: str | None = None) -> Iterator[FakeListener]:
        self.cursors.append(cursor)
        self.open += 1
        try:
            yield FakeListener(self.changes)
        finally:
            self.open -= 1

    def close(self) -> None:
        pass


class FakeListening:
    """Owners let nodes be listened to, and nobody has allowed it yet."""

    def __init__(self) -> None:
        self.levels: dict[str, str] = {}
        self.offered: tuple[str, ...] = ("15k",)

    def node(self, name: str) -> ListeningView:
        return ListeningView(
            node=name, online=True, level=self.levels.get(name, "off"), offered=self.offered,
            clock_synced=True,
            changed_s=None, changed_by=None,
        )  # fmt: skip

    def allow(self, name: str, level: str, who: str) -> None:
        self.levels[name] = level

    def expect(self) -> None:
        pass

    def close(self) -> None:
        pass


class FakeTalk:
    """Owners let people talk through nodes, and nobody has allowed it yet."""

    def __init__(self) -> None:
        self.levels: dict[str, str] = {}

    def node(self, name: str) -> TalkView:
        return TalkView(
            node=name, online=True, level=self.levels.get(name, "off"), understood=("opus", "15k"),
            changed_s=None, changed_by=None,
        )  # fmt: skip

    def allow(self, name: str, level: str, who: str) -> None:
        self.levels[name] = level

    def close(self) -> None:
        pass


class FakeStatistics:
    """Fixed counts."""

    def summary(self) -> Statistics:
        return Statistics(
            stored=5, detections=3, windows=2, gap_messages=0, duplicates=1, quarantined=1, gaps=0, nodes=1,
            online=1, detections_by_node={"attic": {"dog": 3}},
            latency=Latency(p50_ms=80, p95_ms=160, p99_ms=None),
        )  # fmt: skip

    def quarantine(self, limit: int = 50) -> list[QuarantineView]:
        return [QuarantineView(id=1, topic="a/v1/b/gap", reason="not JSON", size_bytes=7, received_s=1.0)]


class FakeCommands:
    """Remembers what was asked."""

    def __init__(self, fleet: FakeFleet) -> None:
        self._fleet = fleet
        self.queued: list[CommandView] = []

    def queue(
        self,
        node: str,
        action: str,
        *,
        publish: str | None = None,
        sampling: Sampling | None = None,
        lifetime_s: float = 3600.0,
    ) -> CommandView:
        if self._fleet.node(node) is None:
            raise UnknownNodeError(f"no node is called {node}")
        if action not in COMMANDS:
            raise CommandError(f"no command is called {action}")
        command = CommandView(
            id="c" * 32, node=node, action=action, publish=publish, sampling=sampling,
            issued_s=1_700_000_000.0, expires_s=1_700_003_600.0, sent_s=None,
        )  # fmt: skip
        self.queued.append(command)
        return command

    def recent(self, node: str, limit: int = 20) -> list[CommandView]:
        return [one for one in reversed(self.queued) if one.node == node][:limit]


class FakeDrift:
    """Nothing has drifted."""

    def node(self, name: str) -> DriftView | None:
        return DriftView(node=name, made_s=None)

    def open_alerts(self) -> list[AlertView]:
        return []

    def alerts(self, node: str | None = None, limit: int = 50) -> list[AlertView]:
        return []


class FakeSampling:
    """Policies by scope and target; every node follows its own at once."""

    def __init__(self, fleet: FakeFleet) -> None:
        self._fleet = fleet
        self.by_key: dict[tuple[str, str], Policy] = {}

    def policies(self) -> list[Policy]:
        return list(self.by_key.values())

    def policy(self, scope: str, target: str = "") -> Policy | None:
        return self.by_key.get((scope, target))

    def put(self, scope: str, target: str, sampling: Sampling, *, by: str) -> Policy:
        if scope == "node" and target not in self._fleet.by_name:
            raise UnknownNodeError(f"no node called {target!r} has introduced itself")
        unknown = [label for label in sampling.private if label not in self.labels(scope, target)]
        if unknown:
            raise PolicyError(f"no model there knows the private label {unknown[0]!r}")
        made = Policy(scope=scope, target=target, sampling=sampling, set_s=1_700_000_000.0, set_by=by)
        self.by_key[scope, target] = made
        return made

    def remove(self, scope: str, target: str = "") -> bool:
        return self.by_key.pop((scope, target), None) is not None

    def node(self, name: str) -> NodeSampling | None:
        return next(iter(self.nodes("node", name)), None)

    def nodes(self, scope: str = "fleet", target: str = "") -> list[NodeSampling]:
        views = [one for one in self._fleet.nodes() if self._concerns(scope, target, one)]
        policies = {one.name: self.policy("node", one.name) or self.policy("fleet") for one in views}
        return [
            NodeSampling(
                node=one.name, online=one.online, wanted=policies[one.name], since_s=1_700_000_000.0,
                standing="own" if policies[one.name] is None else "in_force" if one.online else "waits",
                in_force=Sampling(), unknown=(),
            )
            for one in views
        ]  # fmt: skip

    def tags(self) -> list[str]:
        return sorted({tag for one in self._fleet.nodes() for tag in one.tags})

    def labels(self, scope: str, target: str = "") -> list[str]:
        views = [one for one in self._fleet.nodes() if self._concerns(scope, target, one)]
        return sorted({label for one in views for label in one.labels})

    @staticmethod
    def _concerns(scope: str, target: str, view: NodeView) -> bool:
        return scope == "fleet" or target == view.name or target in view.tags


def a_world(
    nodes: Sequence[NodeView] = (),
    heard: Sequence[DetectionView] = (),
    windows: Sequence[WindowView] = (),
    *,
    gaps: tuple[GapView, ...] = (),
    password: str | None = PASSWORD,
) -> Services:
    """Services over the given things."""
    fleet = FakeFleet(nodes, gaps)
    return Services(  # type: ignore[arg-type]
        fleet=fleet, detections=FakeDetections(heard, windows), live=FakeLive(), listening=FakeListening(),
        talk=FakeTalk(),
        # Users are tested over a real store.
        accounts=FakeAccounts(password), tokens=FakeTokens(), users=None,
        statistics=FakeStatistics(), commands=FakeCommands(fleet),
        # Pages of reviewing are tested over a real store.
        review=None, labels=None, dataset=None, label_files=None, deletion=None, sound=None,
        drift=FakeDrift(), sampling=FakeSampling(fleet),
        retrain=FakeRetrain(), releases=FakeReleases(), snapshots=FakeSnapshots(),
        # Updates are tested over a real repository.
        ota_repository=None, ota_delivery=None, ota_publishing=None, rollouts=None, pins=None,
        authority=None, enrolment=None,
        shadows=None, audit=FakeAudit(), namespace="soundpost",
    )  # fmt: skip
