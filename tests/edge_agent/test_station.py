"""From blocks to messages, with a pipeline that finds what it is told to find."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from contract.bundle import read_bundle
from contract.detector import Found
from contract.messages import Detection, DurableMessage, Features, Gap
from contract.sampling import Sampling
from contract.topics import FEATURES, Topic
from contract.wire import encode
from edge_agent.agent.ledger import Ledger
from edge_agent.agent.publisher import Publisher
from edge_agent.agent.reporting import Identity
from edge_agent.agent.station import OVERRUNS_S, Station
from edge_agent.capture import Block, Lost
from edge_agent.outbox import Build
from edge_agent.pipeline import Step
from edge_agent.settings import PublishSettings

STEP_S = 0.08


class Scripted:
    """One step for every block; detections where the script says."""

    step_s = STEP_S
    leq_dbfs = -30.0

    def __init__(self, script: dict[int, Found]) -> None:
        self.script = script
        self.index = 0
        self.resets = 0
        self.waiting: list[Found] = []

    def feed(self, samples: NDArray[np.int16], captured_s: float) -> list[Step]:
        found = self.script.get(self.index)
        self.index += 1
        return [
            Step(
                index=self.index - 1, end_s=captured_s, frames=np.zeros((4, 80), np.int8),
                posteriors=np.full(9, 0.5, np.float32), average=(0.0,) * 9, level_dbfs=-30.0,
                found=(found,) if found else (),
            )
        ]  # fmt: skip

    def flush(self, captured_s: float) -> list[Step]:
        return []

    def finish(self) -> Sequence[Found]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def reset(self) -> None:
        self.resets += 1


class Shelf:
    """An outbox without a disk."""

    def __init__(self) -> None:
        self.messages: list[DurableMessage] = []

    def append(self, topic: Topic, build: Build) -> int:
        self.messages.append(build(len(self.messages) + 1))
        return len(self.messages)

    def of(self, kind: type[DurableMessage]) -> list[DurableMessage]:
        return [message for message in self.messages if isinstance(message, kind)]


@pytest.fixture
def identity(keywords: object) -> Identity:
    manifest = read_bundle(keywords).manifest  # type: ignore[arg-type]
    return Identity(
        boot="a" * 16, agent_version="1", runtime="none", manifest=manifest, bundle_digest="0" * 64,
        thresholds=manifest.thresholds, started_s=1,
    )  # fmt: skip


def a_block(number: int) -> Block:
    return Block(samples=np.zeros(1280, np.int16), captured_s=100 + number * STEP_S)


def found(start: int, end: int) -> Found:
    return Found(label="yes", posterior=0.9, threshold=0.5, start_step=start, end_step=end)


@pytest.fixture
def station(identity: Identity, tmp_path: Path) -> Callable[..., Station]:
    """Makes stations that do as they are told, with budgets of their own."""

    def make(pipeline: Scripted, shelf: Shelf, policy: str, sampling: Sampling | None = None) -> Station:
        publish = PublishSettings(policy=policy)
        publisher = Publisher(identity, publish, sampling or Sampling(), Ledger(tmp_path), seed="attic")
        return Station(pipeline, shelf, identity, publisher)  # type: ignore[arg-type]

    return make


def test_a_detection_and_its_window(station: Callable[..., Station]) -> None:
    shelf = Shelf()
    hears = station(Scripted({20: found(18, 20)}), shelf, "results+features")
    for number in range(60):
        hears.hear(a_block(number))
    detection, window = shelf.messages
    assert isinstance(detection, Detection)
    assert isinstance(window, Features)
    assert detection.end_s == pytest.approx(100 + 20 * STEP_S)
    assert detection.end_s - detection.start_s == pytest.approx(3 * STEP_S)
    assert window.detection == detection.sequence
    assert window.start_s < detection.start_s - 0.9
    assert window.end_s > detection.end_s + 0.9
    assert window.posteriors == bytes([128]) * (9 * window.frame_count // 4)


@pytest.mark.parametrize(("policy", "windows"), [("results", 0), ("all", 1)])
def test_the_policy_decides_what_is_sent(station: Callable[..., Station], policy: str, windows: int) -> None:
    shelf = Shelf()
    hears = station(Scripted({3: found(3, 3)}), shelf, policy)
    for number in range(10):
        hears.hear(a_block(number))
    hears.finish()
    assert len(shelf.of(Detection)) == 1
    assert len(shelf.of(Features)) == windows


def test_a_policy_that_changes_leaves_nothing_open(station: Callable[..., Station]) -> None:
    shelf = Shelf()
    hears = station(Scripted({5: found(5, 5)}), shelf, "results+features")
    for number in range(8):
        hears.hear(a_block(number))
    hears.set_policy("results")
    assert len(shelf.of(Features)) == 1


def test_an_input_that_was_lost_ends_the_stream_and_leaves_a_gap(station: Callable[..., Station]) -> None:
    shelf, pipeline = Shelf(), Scripted({})
    hears = station(pipeline, shelf, "all")
    hears.hear(a_block(0))
    pipeline.waiting = [found(0, 0)]
    hears.lose(Lost(reason="input_lost", start_s=100, end_s=103))
    assert [type(message) for message in shelf.messages] == [Detection, Features, Gap]
    assert pipeline.resets == 1


def test_many_overruns_become_one_gap(station: Callable[..., Station]) -> None:
    shelf, pipeline = Shelf(), Scripted({})
    hears = station(pipeline, shelf, "results")
    steps = round(OVERRUNS_S / STEP_S) + 10
    for number in range(steps):
        hears.hear(a_block(number))
        if number < 50:
            hears.lose(Lost(reason="overrun", start_s=100 + number * STEP_S, end_s=100 + number * STEP_S))
    [gap] = shelf.of(Gap)
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.start_s) == ("overrun", 100)
    assert gap.end_s == pytest.approx(100 + 49 * STEP_S)
    assert hears.overruns == 50
    assert pipeline.resets == 0


def test_the_window_of_a_private_detection_stays_and_the_detection_is_sent(
    station: Callable[..., Station],
) -> None:
    shelf = Shelf()
    private = Sampling(private=("yes",), private_least=0.9)
    hears = station(Scripted({20: found(18, 20)}), shelf, "results+features", private)
    for number in range(80):
        hears.hear(a_block(number))
    hears.finish()
    assert [type(message) for message in shelf.messages] == [Detection]


def test_a_window_says_why_it_was_sent(station: Callable[..., Station]) -> None:
    shelf = Shelf()
    often = Sampling(random_per_hour=360, random_bytes_per_day=10**9)
    hears = station(Scripted({400: found(398, 400)}), shelf, "results+features", often)
    for number in range(800):
        hears.hear(a_block(number))
    hears.finish()
    windows = [message for message in shelf.messages if isinstance(message, Features)]
    assert {window.reason for window in windows} == {"random", "detection"}
    assert all((window.detection is None) == (window.reason == "random") for window in windows)


def test_what_is_over_budget_is_neither_sent_nor_declared(station: Callable[..., Station]) -> None:
    shelf = Shelf()
    little = Sampling(random_per_hour=360, random_bytes_per_day=20_000)
    hears = station(Scripted({}), shelf, "results+features", little)
    for number in range(2500):
        hears.hear(a_block(number))
    hears.finish()
    assert {type(message) for message in shelf.messages} == {Features}
    sizes = [len(encode(FEATURES, message)) for message in shelf.messages]
    assert 20_000 - 2 * max(sizes) < sum(sizes) <= 20_000
