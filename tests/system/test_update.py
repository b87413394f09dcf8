"""A real agent takes signed models over a real broker and HTTP: good ones stay, bad ones go, and say why."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from contract.messages import Detection
from contract.updates import Desired, Shadow, Update
from edge_agent.update.starts import MOST
from tests.broker import Mosquitto
from tests.conftest import ROOT
from tests.edge_agent import bad_models
from tests.edge_agent.acknowledger import Acknowledger
from tests.edge_agent.agent_process import AgentProcess
from tests.edge_agent.test_bundles import changed
from tests.edge_agent.update.models import broken
from tests.edge_agent.update.serving import Habits, serve
from tests.edge_agent.update.signing import Repository
from tests.waiting import wait_until

WORDS = ROOT / "aggregator" / "demo_sounds" / "words"
NODE = "attic"


class Fleet:
    """One node, whoever it is told by, and where its models come from."""

    def __init__(self, folder: Path, port: int, shipped: Path, url: str, habits: Habits) -> None:
        self.folder, self.shipped, self._port, self._url, self._habits = folder, shipped, port, url, habits
        self.aggregator = Acknowledger(port)
        self.repository = Repository()
        self.root = folder / "root.json"
        self.root.write_bytes(self.repository.first_root)
        self.agents: list[AgentProcess] = []
        self._serial = 0

    def start(self, sounds: Path = WORDS) -> AgentProcess:
        births = len(self.births())
        self.agents.append(self._agent("--input-path", sounds))
        wait_until(lambda: len(self.births()) > births, self.log())
        return self.agents[-1]

    def start_in_vain(self, *wrong: str) -> int:
        """Its exit status."""
        self.agents.append(self._agent("--input-path", WORDS, *wrong))
        return self.agents[-1].process.wait(30)

    def _agent(self, *arguments: str | Path) -> AgentProcess:
        return AgentProcess(
            self.folder, "--model-bundle", self.shipped, "--broker-port", str(self._port),
            "--update-root", self.root, "--input-source", "files", "--input-loop", "true",
            "--input-pace", "fast", "--publish-policy", "results", "--health-heartbeat-s", "0.5", *arguments,
        )  # fmt: skip

    def want(self, bundle: Path, **others: Any) -> str:
        """Sign and offer it; its digest."""
        name = f"{bundle.stem}.bundle"
        digest = self.repository.add(bundle.read_bytes(), name)
        for path, content in self.repository.files.items():
            below = "" if path.startswith("metadata/") else f"nodes/{NODE}/"
            self._habits.files[f"/ota/v1/{below}{path}"] = content
        self._serial += 1
        order = {"probation_s": 30.0, **others}
        self.aggregator.desire(
            NODE,
            Desired(
                serial=self._serial, issued_s=1, release=digest, target=name, url=f"{self._url}/ota/v1",
                token="0" * 64, **order,
            ),
        )  # fmt: skip
        return digest

    def told(self, digest: str) -> list[Update]:
        messages = [
            message for message in list(self.aggregator.stored.values()) if isinstance(message, Update)
        ]
        ordered = sorted(messages, key=lambda message: (message.wall_s, message.sequence))
        return [message for message in ordered if message.release == digest]

    def phases(self, digest: str) -> list[str]:
        """Each once, in their order."""
        return list(dict.fromkeys(message.phase for message in self.told(digest)))

    def end_of(self, digest: str, phase: str) -> Update:
        """The message that says so, once it has come."""
        wait_until(lambda: phase in self.phases(digest), f"{phase}: {self.log()}", timeout_s=90)
        return next(message for message in self.told(digest) if message.phase == phase)

    def births(self) -> list[Any]:
        return list(self.aggregator.kinds("birth"))

    def runs(self, digest: str) -> None:
        wait_until(lambda: self.births()[-1].bundle_digest == digest, "its birth says so")

    def log(self) -> str:
        log = self.folder / "agent.log"
        return log.read_text()[-3000:] if log.exists() else ""


@pytest.fixture
def keywords(models: Path) -> Path:
    return models / "keywords.bundle"


@pytest.fixture
def fleet(tmp_path: Path, broker: Mosquitto, keywords: Path) -> Iterator[Fleet]:
    habits = Habits({})
    with serve(habits) as url:
        made = Fleet(tmp_path, broker.port, keywords, url, habits)
        yield made
        for agent in made.agents:
            agent.kill()
        made.aggregator.close()


@pytest.fixture
def make(tmp_path: Path, keywords: Path) -> Callable[[Callable[[Path, Path], Path]], Path]:
    def made(how: Callable[[Path, Path], Path]) -> Path:
        return how(keywords, tmp_path / f"{how.__name__}.bundle")

    return made


def newer(source: Path, target: Path) -> Path:
    """As good as the one before."""
    return changed(source, target, {"version": "9.0.0"}, {})


@pytest.mark.slow
def test_a_good_model_stays_and_each_bad_one_goes_with_its_reason(
    fleet: Fleet, make: Callable[..., Path]
) -> None:
    """One agent, never restarted, through all of them."""
    fleet.start()
    shipped = fleet.births()[-1].bundle_digest
    good = fleet.want(make(newer))
    fleet.end_of(good, "confirmed")
    assert fleet.phases(good) == [
        "offered", "downloading", "verified", "staged", "self_tested", "probation", "confirmed",
    ]  # fmt: skip
    assert [birth.bundle_digest for birth in fleet.births()] == [shipped, good]
    assert fleet.births()[-1].model == "keywords@9.0.0"
    for how, says in (
        (bad_models.constant, "it gives the same answer to everything"),
        (bad_models.flooding, "it detected "),
        (bad_models.deaf, "sounds that the model before detected"),
        (broken, "the self-test"),
    ):
        bad = fleet.want(make(how), probation_s=60.0)
        refused = how is broken
        end = fleet.end_of(bad, "refused" if refused else "rolled_back")
        assert says in end.reason or refused, end.reason
        assert end.model == "keywords@9.0.0", "the one before is in service"
        fleet.runs(good)
    assert len({birth.boot for birth in fleet.births()}) == 1
    assert fleet.agents[-1].terminate() == 0
    [ended] = fleet.agents[-1].lines("stopped")
    assert fleet.aggregator.has(ended["boot"]) == set(range(1, ended["last_sequence"] + 1))
    starts = [m.start_s for m in fleet.aggregator.stored.values() if isinstance(m, Detection)]
    assert len(starts) > 30


@pytest.mark.slow
def test_a_shadow_listens_and_then_comes_into_service(fleet: Fleet, make: Callable[..., Path]) -> None:
    fleet.start()
    bundle = make(bad_models.deaf)
    shadow = fleet.want(bundle, mode="shadow", shadow_s=60.0, shadow_cpu_percent=100.0)
    fleet.end_of(shadow, "shadowed")
    [told] = [message for message in fleet.aggregator.stored.values() if isinstance(message, Shadow)]
    assert told.steps > 500
    assert told.agreed > 0.99 * told.steps
    assert sum(told.lost.values()) > 5
    assert not told.gained
    assert len(fleet.births()) == 1, "another model was never in service"
    live = fleet.want(make(newer), attempt=1)
    fleet.end_of(live, "confirmed")


@pytest.mark.slow
def test_a_model_that_hangs_at_work_is_gone_within_a_minute(
    fleet: Fleet, make: Callable[..., Path], tmp_path: Path
) -> None:
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    draw = np.random.default_rng(1)
    loud = draw.uniform(-32_000, 32_000, 4 * 16_000).astype(np.int16)
    soundfile.write(sounds / "1.wav", draw.normal(0, 200, 16_000 * 40).astype(np.int16), 16_000)
    soundfile.write(sounds / "2.wav", loud, 16_000)
    agent = fleet.start(sounds)
    shipped = fleet.births()[-1].bundle_digest
    hanging = fleet.want(make(bad_models.hanging_when_loud), probation_s=10_000.0)
    end = fleet.end_of(hanging, "rolled_back")
    assert "stood still" in end.reason
    assert agent.process.poll() is None, "the same process, begun anew"
    assert len({birth.boot for birth in fleet.births()}) == 2
    fleet.runs(shipped)
    assert [error["event"] for error in agent.lines("the main loop hangs")] == ["the main loop hangs"]


@pytest.mark.slow
def test_a_model_that_crashes_the_agent_is_borne_once(fleet: Fleet, make: Callable[..., Path]) -> None:
    """The crash is a signal from outside here: the process really dies in the midst of probation."""
    agent = fleet.start()
    shipped = fleet.births()[-1].bundle_digest
    crashing = fleet.want(make(newer), probation_s=80_000.0, rollout=4)
    fleet.end_of(crashing, "probation")
    for starts in (1, 2):
        os.kill(agent.process.pid, signal.SIGSEGV)
        agent.process.wait(10)
        agent = fleet.start()
        if starts == 1:
            fleet.runs(crashing)
    end = fleet.end_of(crashing, "rolled_back")
    assert end.reason == "crashed 2 times on probation"
    assert end.rollout == 4
    fleet.runs(shipped)


@pytest.mark.slow
def test_a_confirmed_model_that_crashes_at_each_start_gives_way_within_a_minute(
    fleet: Fleet, make: Callable[..., Path]
) -> None:
    """As above it is a signal from outside that ends the process, now that the model is trusted."""
    agent = fleet.start()
    shipped = fleet.births()[-1].bundle_digest
    trusted = fleet.want(make(newer), probation_s=2.0, rollout=4)
    fleet.end_of(trusted, "confirmed")
    for _ in range(MOST + 1):
        os.kill(agent.process.pid, signal.SIGSEGV)
        agent.process.wait(10)
        agent = fleet.start()
    end = fleet.end_of(trusted, "rolled_back")
    assert end.reason == "the agent ended 5 times in a row within 120 s of its start"
    assert (end.rollout, end.attempt) == (4, 1)
    fleet.runs(shipped)
    assert [birth.bundle_digest for birth in fleet.births()[-MOST - 1 :]] == [trusted] * MOST + [shipped]


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["--input-path", "--outbox-path"])
def test_an_end_that_the_agent_explains_is_not_held_against_its_model(
    fleet: Fleet, make: Callable[..., Path], wrong: str
) -> None:
    """A setting that leads nowhere."""
    agent = fleet.start()
    trusted = fleet.want(make(newer), probation_s=2.0)
    fleet.end_of(trusted, "confirmed")
    assert agent.terminate() == 0
    (fleet.folder / "empty").mkdir()
    for _ in range(MOST + 1):
        assert fleet.start_in_vain(wrong, str(fleet.folder / "empty")) == 2
    fleet.start()
    fleet.runs(trusted)


@pytest.mark.slow
def test_a_probation_goes_on_after_the_agent_was_stopped(fleet: Fleet, make: Callable[..., Path]) -> None:
    agent = fleet.start()
    good = fleet.want(make(newer), probation_s=300.0)
    fleet.end_of(good, "probation")
    for _ in range(2):
        assert agent.terminate() == 0
        agent = fleet.start()
        fleet.runs(good)
    fleet.end_of(good, "confirmed")
