"""The voice link, whole: what is said at one node is heard at another, over a real broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from aggregator.domain.talking import NODES, OFF, PEOPLE
from contract.audio import RATE_HZ
from contract.codec.opus import opus_is_here
from tests.broker import Mosquitto
from tests.edge_agent.agent_process import run_agent
from tests.system.voice_fleet import Relay, TalkingNode, a_voice, finished, loud_seconds, pitch_hz
from tests.waiting import wait_until

needs_opus = pytest.mark.skipif(not opus_is_here(), reason="needs the extra voice")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[dict[str, TalkingNode]]:
    """Three nodes, the owner of one of which lets nobody talk through it; and a relay that allows all."""
    folder = tmp_path_factory.mktemp("voice")
    broker = Mosquitto(folder)
    broker.start()
    nodes = {
        name: TalkingNode(folder, name, broker, models / "keywords.bundle", allowed=name != "cellar")
        for name in ("attic", "hall", "cellar")
    }
    try:
        with Relay(folder, broker) as made:
            for node in nodes.values():
                node.start()
            wait_until(lambda: all(made.knows(name) for name in nodes), "the nodes come")
            fleet_relay.append(made)
            yield nodes
    finally:
        fleet_relay.clear()
        for node in nodes.values():
            node.stop()
        broker.stop()


fleet_relay: list[Relay] = []


@pytest.fixture
def relay(fleet: dict[str, TalkingNode]) -> Relay:
    """What relays for ``fleet``; nodes may talk to each other."""
    [relay] = fleet_relay
    for name, node in fleet.items():
        relay.talk.allow(name, NODES, "Ada")
        wait_until(lambda: not relay.talk.busy, "nobody talks any more")
        node.forget()
    return relay


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """Two seconds of 150 Hz with overtones."""
    path = tmp_path / "voice.wav"
    soundfile.write(path, a_voice(2.0), RATE_HZ)
    return path


@pytest.mark.parametrize("codec", [pytest.param("opus", marks=needs_opus), "15k", "8k"])
def test_talk_to_a_node_end_to_end(
    fleet: dict[str, TalkingNode], relay: Relay, voice: Path, codec: str
) -> None:
    """Voice in, encoded at one node, relayed, decoded and played at the other; delay and loss told."""
    said = fleet["attic"].said("hall", voice, "--codec", codec)
    assert said["status"] == 0, said
    assert (said["to"], said["codec"], said["over"]) == ("hall", codec, "")
    # A machine that is busy drops what would come too late.
    assert said["sent"] + said["dropped"] == 100
    heard = said["heard"]
    assert heard["ended"]
    assert 30 < heard["played"] <= said["sent"]
    assert said["delay_ms"] > 20
    sound = fleet["hall"].heard()
    assert 0.5 < loud_seconds(sound) < 2.5
    assert pitch_hz(sound) == pytest.approx(150, abs=3)
    assert not fleet["attic"].played.exists()


def test_two_nodes_talk_in_turns(fleet: dict[str, TalkingNode], relay: Relay, tmp_path: Path) -> None:
    """One asks, the other answers."""
    for name, tone_hz in (("question", 150), ("answer", 210)):
        soundfile.write(tmp_path / f"{name}.wav", a_voice(1.0, tone_hz), RATE_HZ)
    assert fleet["attic"].said("hall", tmp_path / "question.wav")["status"] == 0
    assert fleet["hall"].said("attic", tmp_path / "answer.wav")["status"] == 0
    assert pitch_hz(fleet["hall"].heard()) == pytest.approx(150, abs=5)
    assert pitch_hz(fleet["attic"].heard()) == pytest.approx(210, abs=5)


def test_while_one_talks_the_other_may_not(
    fleet: dict[str, TalkingNode], relay: Relay, tmp_path: Path, voice: Path
) -> None:
    """Half duplex: neither the one who is talked to, nor a third."""
    soundfile.write(tmp_path / "long.wav", a_voice(30.0), RATE_HZ)
    talking = fleet["attic"].says("hall", tmp_path / "long.wav")
    try:
        wait_until(fleet["hall"].played.exists, "it is played")
        answer = fleet["hall"].said("attic", voice)
        assert answer["status"] == 2, answer
        assert "node attic is talking there" in answer["errors"]
        assert "node attic is talking there" in fleet["cellar"].said("hall", voice)["errors"]
    finally:
        talking.terminate()
        talking.communicate(timeout=20)
    # Whoever vanishes without a word has let go after a second.
    wait_until(lambda: not relay.talk.busy, "the turn ends")
    assert not fleet["attic"].played.exists()


def test_nobody_talks_without_permission_of_owner_and_operator(
    fleet: dict[str, TalkingNode], relay: Relay, voice: Path
) -> None:
    """Every reason there is: tests/aggregator/test_talk.py."""
    refused = fleet["attic"].said("cellar", voice)
    assert (refused["status"], "owner of cellar" in refused["errors"]) == (2, True)
    relay.talk.allow("hall", PEOPLE, "Ada")
    assert "only people at the dashboard" in fleet["attic"].said("hall", voice)["errors"]
    assert not fleet["hall"].played.exists()


def test_who_is_no_longer_allowed_is_cut_off(
    fleet: dict[str, TalkingNode], relay: Relay, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "long.wav", a_voice(30.0), RATE_HZ)
    talking = fleet["attic"].says("hall", tmp_path / "long.wav")
    wait_until(fleet["hall"].played.exists, "it is played")
    relay.talk.allow("hall", OFF, "Ada")
    said = finished(talking)
    assert said["over"] == "it is no longer allowed"
    assert said["sent"] < 1400


def test_it_is_recorded_who_talked_to_whom_and_how_long(
    fleet: dict[str, TalkingNode], relay: Relay, voice: Path
) -> None:
    fleet["attic"].said("hall", voice)
    wait_until(lambda: not relay.talk.busy, "the turn is over")
    wait_until(lambda: relay.audit("talked", "node attic"), "it is recorded")
    begun, ended = relay.audit("talk", "node attic")[0], relay.audit("talked", "node attic")[0]
    assert begun["session"] == ended["session"]
    assert (ended["node"], 30 < ended["packets"] <= 100) == ("hall", True)
    assert ended["seconds"] > 1
    assert relay.audit("allow talking", "Ada")


def test_a_node_that_may_not_be_talked_to_does_without_what_that_needs(
    fleet: dict[str, TalkingNode], relay: Relay
) -> None:
    assert relay.talk.node("cellar").understood == ()
    assert relay.talk.node("hall").understood[-1] == "8k"


def test_talk_without_terminal_or_recording_says_what_is_missing(
    fleet: dict[str, TalkingNode], tmp_path: Path
) -> None:
    attic = fleet["attic"]
    wrong = attic.said("hall", tmp_path / "none.wav")
    assert (wrong["status"], "no such file" in wrong["errors"]) == (2, True)
    without = run_agent("talk", "hall", *attic.flags)
    assert (without.returncode, "no microphone" in without.stderr) == (2, True)
