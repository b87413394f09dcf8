"""The whole agent as a process: delivers, stops in time, survives being killed, obeys."""

import itertools
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from contract.commands import Command
from contract.messages import Detection, Features, Gap
from contract.sampling import Sampling
from contract.topics import FEATURES
from contract.wire import encode
from edge_agent.outbox import count
from tests.broker import Mosquitto
from tests.edge_agent.acknowledger import Acknowledger
from tests.edge_agent.agent_process import AgentProcess, run_agent
from tests.edge_agent.conftest import noise
from tests.waiting import wait_until

# Everything is detected, all the time: what is tested is the way, not the model.
EAGER = ["--detector-thresholds", "yes=0,no=0,up=0", "--detector-refractory-s", "0.2"]


@pytest.fixture
def aggregator(broker: Mosquitto) -> Iterator[Acknowledger]:
    acknowledger = Acknowledger(broker.port)
    yield acknowledger
    acknowledger.close()


@pytest.fixture
def start(
    tmp_path: Path, keywords: Path, make_wav: Callable[..., Path]
) -> Iterator[Callable[..., AgentProcess]]:
    agents: list[AgentProcess] = []
    make_wav("sound.wav", seconds=6)

    def make(port: int | None, *arguments: str | Path, stdin: int | None = None) -> AgentProcess:
        broker = ["--broker-host", ""] if port is None else ["--broker-port", str(port)]
        files = ["--input-source", "files", "--input-path", tmp_path / "sounds"] if stdin is None else []
        agents.append(
            AgentProcess(tmp_path, "--model-bundle", keywords, *broker, *files, *arguments, stdin=stdin)
        )
        return agents[-1]

    yield make
    for agent in agents:
        agent.kill()


def test_files_are_played_delivered_and_then_it_ends(
    broker: Mosquitto, aggregator: Acknowledger, start: Callable[..., AgentProcess]
) -> None:
    agent = start(broker.port, "--input-pace", "fast", *EAGER)
    assert agent.process.wait(30) == 0, agent.log.read_text()
    [ended] = agent.lines("stopped")
    assert ended["waiting"] == 0
    assert ended["detections"] > 0
    assert aggregator.has(ended["boot"]) == set(range(1, ended["last_sequence"] + 1))
    messages = aggregator.stored.values()
    found = [message for message in messages if isinstance(message, Detection)]
    windows = [message for message in messages if isinstance(message, Features)]
    surrounded = {window.detection for window in windows if window.reason == "detection"}
    assert {message.sequence for message in found} >= surrounded > set()
    assert all(window.frame_count * 20 == len(window.posteriors) // 9 * window.step_ms for window in windows)
    spans = sorted((window.start_s, window.end_s) for window in windows)
    assert all(one[1] <= other[0] + 1e-6 for one, other in itertools.pairwise(spans))
    aggregator.wait(lambda: [state.online for state in aggregator.kinds("state")] == [True, False])


def test_it_stops_within_two_seconds_and_loses_nothing(
    broker: Mosquitto, aggregator: Acknowledger, start: Callable[..., AgentProcess]
) -> None:
    agent = start(broker.port, "--input-loop", "true", *EAGER)
    aggregator.wait(lambda: len(aggregator.stored) >= 2, 30)
    begun_s = time.monotonic()
    assert agent.terminate() == 0
    assert time.monotonic() - begun_s < 2
    [ended] = agent.lines("stopped")
    assert ended["waiting"] == 0
    assert aggregator.kinds("state")[-1].online is False


@pytest.mark.slow
def test_killed_again_and_again_everything_is_stored_or_declared(
    broker: Mosquitto, aggregator: Acknowledger, start: Callable[..., AgentProcess], tmp_path: Path
) -> None:
    for _ in range(10):
        before = len(aggregator.stored)
        agent = start(broker.port, "--input-loop", "true", *EAGER, "--publish-policy", "all")
        aggregator.wait(lambda before=before: len(aggregator.stored) > before + 2, 30)
        agent.kill()
    last = start(broker.port, "--input-pace", "fast", *EAGER)
    assert last.process.wait(30) == 0
    produced = {
        boot["boot"]: boot["last_sequence"] for boot in count(tmp_path / "state/outbox.sqlite")["boots"]
    }
    assert len(produced) == 11
    for boot, highest in produced.items():
        assert aggregator.has(boot) | aggregator.declared(boot) == set(range(1, highest + 1))
        assert not aggregator.has(boot) & aggregator.declared(boot)
    restarts = [m for m in aggregator.stored.values() if isinstance(m, Gap) and m.reason == "restart"]
    assert len(restarts) == 10


def test_commands_are_obeyed_once_and_survive_a_restart(
    broker: Mosquitto, aggregator: Acknowledger, start: Callable[..., AgentProcess]
) -> None:
    agent = start(broker.port, "--input-loop", "true", "--health-heartbeat-s", "60")
    aggregator.wait(lambda: bool(aggregator.kinds("birth")), 30)
    stale = Command(id="1" * 32, issued_s=1, expires_s=2, action="set_publish", publish="results")
    aggregator.command("attic", stale)
    late_s = time.time() + 60
    order = Command(id="2" * 32, issued_s=1, expires_s=late_s, action="set_publish", publish="all")
    for _ in range(2):
        aggregator.command("attic", order)
    aggregator.wait(lambda: [birth.publish for birth in aggregator.kinds("birth")][-1] == "all")
    beats = len(aggregator.kinds("heartbeat"))
    aggregator.command("attic", Command(id="3" * 32, issued_s=1, expires_s=late_s, action="report"))
    aggregator.wait(lambda: len(aggregator.kinds("heartbeat")) > beats)
    wait_until(lambda: len(agent.lines("command")) == 2, timeout_s=10)
    agent.kill()
    births = len(aggregator.kinds("birth"))
    start(broker.port, "--input-loop", "true")
    aggregator.wait(lambda: len(aggregator.kinds("birth")) > births, 30)
    assert aggregator.kinds("birth")[-1].publish == "all"


def test_a_sampling_is_obeyed_told_and_survives_a_restart(
    broker: Mosquitto, aggregator: Acknowledger, start: Callable[..., AgentProcess]
) -> None:
    always = [
        "--input-loop",
        "true",
        *EAGER,
        "--sampling-random-per-hour",
        "7",
        "--health-heartbeat-s",
        "0.5",
    ]
    agent = start(broker.port, *always)
    aggregator.wait(lambda: any(isinstance(m, Features) for m in list(aggregator.stored.values())), 30)
    assert aggregator.kinds("birth")[-1].sampling == Sampling(random_per_hour=7)
    unknown = Sampling(private=("speech",), random_per_hour=0)
    late_s = time.time() + 60
    aggregator.command(
        "attic",
        Command(id="1" * 32, issued_s=1, expires_s=late_s, action="set_sampling", sampling=unknown),
    )
    aggregator.wait(lambda: aggregator.kinds("birth")[-1].sampling == unknown, 15)
    aggregator.wait(
        lambda: any("'speech'" in text for text in aggregator.kinds("heartbeat")[-1].problems), 15
    )
    agent.kill()
    births = len(aggregator.kinds("birth"))
    start(broker.port, *always)
    aggregator.wait(lambda: len(aggregator.kinds("birth")) > births, 30)
    assert aggregator.kinds("birth")[-1].sampling == unknown
    fresh = aggregator.kinds("birth")[-1].boot
    aggregator.wait(
        lambda: any(beat.boot == fresh and beat.heard_s > 4 for beat in aggregator.kinds("heartbeat")), 30
    )
    sent = {type(message) for key, message in aggregator.stored.items() if key[0] == fresh}
    assert Detection in sent, "what was heard is still told"
    assert Features not in sent


def test_a_budget_survives_a_kill(
    broker: Mosquitto, aggregator: Acknowledger, start: Callable[..., AgentProcess]
) -> None:
    often = ["--sampling-random-per-hour", "360", "--sampling-random-bytes-per-day", "60000"]
    limited = ["--input-loop", "true", "--input-pace", "fast", *often]
    for _ in range(2):
        agent = start(broker.port, *limited)
        wait_until(lambda agent=agent: len(agent.lines("over budget")) > 0, timeout_s=60)
        aggregator.wait(lambda: any(isinstance(m, Features) for m in list(aggregator.stored.values())), 30)
        agent.kill()
        agent.log.unlink()
    windows = [message for message in aggregator.stored.values() if isinstance(message, Features)]
    assert 0 < sum(len(encode(FEATURES, window)) for window in windows) <= 60_000


def test_sound_on_standard_input_and_a_flat_line_that_is_told(
    broker: Mosquitto, aggregator: Acknowledger, start: Callable[..., AgentProcess]
) -> None:
    agent = start(broker.port, "--input-source", "stdin", "--health-heartbeat-s", "60", stdin=subprocess.PIPE)
    assert agent.process.stdin is not None
    agent.process.stdin.write(noise(1).tobytes() + np.zeros(6 * 16_000, np.int16).tobytes())
    agent.process.stdin.flush()
    wait_until(lambda: [line["state"] for line in agent.lines("input")] == ["hearing", "flat"], timeout_s=20)
    aggregator.wait(lambda: any(beat.input_state == "flat" for beat in aggregator.kinds("heartbeat")))
    [flat] = [beat for beat in aggregator.kinds("heartbeat") if beat.input_state == "flat"]
    assert "flat" in flat.problems[0]
    # Nothing more comes, although the pipe stays open.
    wait_until(lambda: agent.lines("input")[-1]["state"] == "stopped", timeout_s=20)
    agent.process.stdin.write(noise(1).tobytes())
    agent.process.stdin.flush()
    aggregator.wait(lambda: any(isinstance(m, Gap) for m in aggregator.stored.values()), 20)
    agent.process.stdin.close()
    assert agent.process.wait(20) == 0
    [gap] = [message for message in aggregator.stored.values() if isinstance(message, Gap)]
    assert gap.reason == "input_lost"
    assert gap.end_s - gap.start_s > 2


def test_without_a_broker_it_only_logs(start: Callable[..., AgentProcess]) -> None:
    agent = start(None, "--input-pace", "fast", *EAGER)
    assert agent.process.wait(30) == 0
    assert agent.lines("detection")


def test_two_agents_do_not_share_an_outbox(start: Callable[..., AgentProcess]) -> None:
    first = start(None, "--input-loop", "true")
    wait_until(lambda: bool(first.lines("started")), timeout_s=30)
    second = start(None, "--input-loop", "true")
    assert second.process.wait(30) == 2
    assert "another agent is using" in second.log.read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "[model] bundle"),
        (["--model-bundle", "none.bundle"], "No such file"),
        (["--broker-port", "x"], "--broker-port"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = run_agent("run", "--node-state", tmp_path, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
