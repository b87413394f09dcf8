"""No window with private sound in it or next to it ever leaves, whatever else happens."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract.bundle import read_bundle
from contract.sampling import Sampling
from edge_agent.agent.ledger import Ledger
from edge_agent.agent.publisher import Publisher
from edge_agent.agent.reporting import Identity
from edge_agent.pipeline import Step
from edge_agent.privacy import MARGIN_S, Guard, Rule, make_rule
from edge_agent.settings import PublishSettings
from edge_agent.windows import Window

STEP_S = 0.08
MARGIN = 13
assert (MARGIN - 1) * STEP_S < MARGIN_S <= MARGIN * STEP_S

PRIVATE, LEAST = "no", 0.4
SAMPLING = Sampling(private=(PRIVATE,), private_least=LEAST, random_per_hour=360, random_bytes_per_day=10**9)
POLICIES = ("results", "results+features", "all")


@pytest.fixture(scope="module")
def identity(keywords: Path) -> Identity:
    manifest = read_bundle(keywords).manifest
    return Identity(
        boot="a" * 16, agent_version="1", runtime="none", manifest=manifest, bundle_digest="0" * 64,
        thresholds=manifest.thresholds, started_s=1,
    )  # fmt: skip


class World:
    """A publisher, all that it heard, and all that left it. Frames carry their step's number."""

    def __init__(self, identity: Identity, folder: Path, sampling: Sampling, policy: str) -> None:
        publish = PublishSettings(policy=policy)
        self.publisher = Publisher(identity, publish, sampling, Ledger(folder), seed="attic")
        self.labels = identity.manifest.labels
        self.heard: list[np.ndarray] = []
        """The posteriors of every step of every stream."""
        self.streams: list[int] = []
        """The number of its stream, for each step."""
        self.detected: set[int] = set()
        """Steps of detections of the private label."""
        self.left: list[list[int]] = []
        """The steps of each window that left."""
        self.stream, self.index = 0, -1

    def hear(self, posteriors: Sequence[float]) -> None:
        number = len(self.heard)
        self.index += 1
        row = np.array(posteriors, np.float32)
        frames = np.zeros((4, 80), np.int8)
        frames[:, :3] = number // 10_000, number // 100 % 100, number % 100
        self.heard.append(row)
        self.streams.append(self.stream)
        finite = np.nan_to_num(row, nan=0.0).clip(0, 1)
        self.publisher.hear(
            Step(
                index=self.index, end_s=1e9 + number * STEP_S, frames=frames, posteriors=row,
                average=tuple(finite.tolist()), level_dbfs=-30.0 - 20 * (number % 7 == 0), found=(),
            )
        )  # fmt: skip

    def detect(self, label: str, back_steps: int) -> None:
        if self.index >= 0:
            self.publisher.mark(label, len(self.heard), back_steps)
            if label == PRIVATE:
                newest = len(self.heard) - 1
                self.detected |= set(range(newest - min(back_steps, self.index), newest + 1))

    def release(self) -> None:
        self._leave(self.publisher.release())

    def end(self) -> None:
        self._leave(self.publisher.finish())
        self.stream, self.index = self.stream + 1, -1

    def private(self) -> list[int]:
        column = self.labels.index(PRIVATE)
        by_posterior = {
            step for step, row in enumerate(self.heard) if not np.isfinite(row).all() or row[column] >= LEAST
        }
        return sorted(by_posterior | self.detected)

    def _leave(self, windows: Sequence[Window]) -> None:
        for window in windows:
            rows = window.frames[::4, :3].astype(int)
            self.left.append([a * 10_000 + b * 100 + c for a, b, c in rows.tolist()])


def a_row(kind: str, labels: int = 9) -> list[float]:
    """Posteriors in which ``yes`` is surely heard, or the private label, or nothing, or which are broken."""
    rows = {
        "yes": [0.9, 0.05], "unsure": [0.45, 0.1], "near": [0.5, 0.35], "private": [0.1, 0.4],
        "nan": [float("nan"), 0.0], "infinite": [0.0, float("inf")], "nothing": [0.0, 0.0],
    }  # fmt: skip
    first = rows[kind]
    rest = max(0.0, 1 - sum(value for value in first if np.isfinite(value)))
    return [*first, *[0.0] * (labels - 3), rest]


kinds = st.sampled_from(["yes", "unsure", "near", "nothing", "nothing", "private", "nan", "infinite"])
steps = st.tuples(st.just("hear"), st.tuples(kinds, st.integers(1, 40)))
events = st.lists(
    st.one_of(
        steps,
        steps,
        st.tuples(st.just("detect"), st.tuples(st.sampled_from(["yes", PRIVATE, "up"]), st.integers(0, 4))),
        st.tuples(st.just("policy"), st.sampled_from(POLICIES)),
        st.tuples(st.just("sampling"), st.sampled_from([0.2, 0.3])),
        st.tuples(st.just("end"), st.none()),
    ),
    max_size=30,
)


def play(world: World, happened: Sequence[tuple[str, object]]) -> None:
    for event, what in happened:
        if event == "hear":
            kind, count = what  # type: ignore[misc]
            for _ in range(count):
                world.hear(a_row(kind))
                world.release()
        elif event == "detect":
            world.detect(*what)  # type: ignore[misc]
            world.release()
        elif event == "policy":
            world.publisher.set_policy(str(what))
            world.release()
        elif event == "sampling":
            world.publisher.set_sampling(replace(SAMPLING, near_miss_low=float(what)))  # type: ignore[arg-type]
            world.release()
        else:
            world.end()
    world.end()


@settings(max_examples=300)
@given(policy=st.sampled_from(POLICIES), happened=events)
@example(policy="all", happened=[("hear", ("yes", 62)), ("hear", ("private", 1)), ("hear", ("nothing", 40))])
@example(
    policy="results+features",
    happened=[("hear", ("nothing", 30)), ("detect", ("yes", 0)), ("hear", ("nothing", 13)),
              ("policy", "all"), ("hear", ("nothing", 12)), ("hear", ("private", 1))],
)  # fmt: skip
@example(policy="all", happened=[("hear", ("yes", 30)), ("detect", (PRIVATE, 2)), ("hear", ("yes", 60))])
def test_nothing_next_to_private_sound_ever_leaves(
    identity: Identity,
    tmp_path_factory: pytest.TempPathFactory,
    policy: str,
    happened: list[tuple[str, object]],
) -> None:
    world = World(identity, tmp_path_factory.mktemp("state"), SAMPLING, policy)
    play(world, happened)
    private = world.private()
    for window in world.left:
        [stream] = {world.streams[step] for step in window}
        assert not [
            step
            for step in private
            if world.streams[step] == stream and window[0] - MARGIN <= step <= window[-1] + MARGIN
        ]
    sent = [step for window in world.left for step in window]
    assert len(sent) == len(set(sent)), "and no frame leaves twice"


def test_what_is_not_private_leaves(identity: Identity, tmp_path: Path) -> None:
    world = World(identity, tmp_path, SAMPLING, "all")
    play(
        world,
        [("hear", ("yes", 62 * 5)), ("hear", ("private", 5)), ("hear", ("nothing", 200)), ("end", None)],
    )
    assert len(world.left) >= 5
    assert world.publisher.hidden >= 2


changes = st.lists(
    st.one_of(steps, st.tuples(st.just("private"), st.sampled_from(["yes", "no", "up", "", "cough"]))),
    max_size=20,
)


@settings(max_examples=200)
@given(policy=st.sampled_from(["results+features", "all"]), happened=changes)
def test_what_becomes_private_holds_back_what_was_heard_before(
    identity: Identity,
    tmp_path_factory: pytest.TempPathFactory,
    policy: str,
    happened: list[tuple[str, object]],
) -> None:
    """At the moment a window leaves, it keeps to the rule of that moment, margin and all."""
    world = World(identity, tmp_path_factory.mktemp("state"), Sampling(), policy)
    label = ""
    for event, what in happened:
        if event == "private":
            label = str(what)
            private = (label,) if label else ()
            world.publisher.set_sampling(replace(SAMPLING, private=private))
            continue
        kind, count = what  # type: ignore[misc]
        for number in range(count):
            world.hear(a_row(kind))
            if number % 9 == 0:
                world.detect("left", 1)
            before = len(world.left)
            world.release()
            if not label:
                continue
            assert label != "cough" or len(world.left) == before
            for window in world.left[before:]:
                column = world.labels.index(label)
                around = world.heard[max(0, window[0] - MARGIN) : window[-1] + MARGIN + 1]
                assert not any(not np.isfinite(row).all() or row[column] >= LEAST for row in around)


def test_a_label_that_the_model_does_not_know_closes_the_node(identity: Identity, tmp_path: Path) -> None:
    world = World(identity, tmp_path, Sampling(private=("speech",)), "all")
    play(world, [("hear", ("yes", 300))])
    assert world.left == []
    assert "'speech'" in world.publisher.problem
    world.publisher.set_sampling(Sampling())
    assert world.publisher.problem == ""
    play(world, [("hear", ("yes", 300))])
    assert world.left


def test_what_is_not_known_closes_the_node_until_it_is_told(identity: Identity, tmp_path: Path) -> None:
    publish = PublishSettings(policy="all")
    publisher = Publisher(identity, publish, Sampling(), Ledger(tmp_path), seed="attic", closed="not known")
    assert publisher.problem == "not known"
    publisher.set_sampling(Sampling())
    assert publisher.problem == ""


def test_a_posterior_that_is_no_number_keeps_its_window_even_if_no_label_is_private() -> None:
    rule = make_rule(Sampling(), ("yes", "no"))
    good = np.full((5, 2), 0.5, np.float32)
    bad = good.copy()
    bad[3, 1] = np.nan
    assert not rule.hides(good)
    assert rule.hides(bad)


def test_the_least_posterior_counts() -> None:
    rule = make_rule(Sampling(private=("no",), private_least=0.7), ("yes", "no"))
    assert rule.hides(np.array([0.0, 0.7], np.float32))
    assert not rule.hides(np.array([1.0, 0.69], np.float32))


@pytest.fixture
def guard() -> Callable[[], Guard]:
    return lambda: Guard(Rule(labels=("no",), columns=(1,), least=0.4), STEP_S)


def a_window(first: int, last: int) -> Window:
    steps = last - first + 1
    return Window(
        reason="all", detection=None, first_step=first, end_s=1.0, frames=np.zeros((4 * steps, 80), np.int8),
        posteriors=np.zeros((steps, 2), np.float32),
    )  # fmt: skip


def test_a_window_waits_until_the_margin_was_heard(guard: Callable[[], Guard]) -> None:
    made = guard()
    quiet = np.zeros(2, np.float32)
    for index in range(10):
        made.hear(index, quiet)
    made.hold([a_window(0, 9)])
    for index in range(10, 10 + MARGIN - 1):
        made.hear(index, quiet)
        assert made.release() == []
    made.hear(10 + MARGIN - 1, quiet)
    assert len(made.release()) == 1


def test_a_stream_that_ends_within_the_margin_keeps_the_window(guard: Callable[[], Guard]) -> None:
    made = guard()
    made.hear(9, np.zeros(2, np.float32))
    made.hold([a_window(0, 9)])
    assert made.end() == []
    assert made.hidden == 1
