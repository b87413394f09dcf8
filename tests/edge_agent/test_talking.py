"""Half duplex on the node: one is heard at a time, the microphone is silent meanwhile; and push to talk."""

import json
import os
import pty
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from contract.audio import RATE_HZ
from contract.floor import TAIL_S
from contract.live import SoundPacket
from contract.record import Record
from contract.topics import HEARD, TALK, TURN, Topic
from contract.voice import Call, Heard, Turn
from edge_agent.agent.talking import Talking
from edge_agent.capture import Block
from edge_agent.errors import TalkError
from edge_agent.settings import TalkSettings
from edge_agent.talk import Wish
from edge_agent.talk.command import _push_to_talk
from edge_agent.talk.keys import Keys
from edge_agent.talk.telling import arrival, as_plain, summary
from edge_agent.talk.turn import OwnTurn
from tests.waiting import wait_until

THEIRS = Turn(session="0a1b2c3d", state="theirs", peer="Ada", codec="15k", packet_ms=20)
LOUD = Block(samples=np.full(320, 9000, np.int16), captured_s=1000.0)


class FakeLink:
    """Keeps what the node tells."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []

    def tell(self, topic: Topic, record: Record) -> None:
        assert topic == HEARD
        assert isinstance(record, Heard)
        self.heard.append(record)


@pytest.fixture
def talking() -> Iterator[Talking]:
    """A node whose loudspeaker plays nowhere."""
    made = Talking(TalkSettings(allowed=True, output="nowhere"))
    made.link = FakeLink()  # type: ignore[assignment]
    yield made
    made.stop(5)


def told(talking: Talking) -> list[Heard]:
    assert isinstance(talking.link, FakeLink)
    return talking.link.heard


def tell(talking: Talking, turn: Turn) -> None:
    talking.receives[TURN](turn)


def hears_itself(talking: Talking) -> bool:
    return bool(talking.hushed(LOUD).samples.any())


def say(talking: Talking, session: str = THEIRS.session, sequence: int = 0) -> None:
    packet = SoundPacket(session=session, codec="15k", sequence=sequence, captured_ms=1, payload=b"")
    talking.receives[TALK](packet)


def test_the_microphone_is_silent_while_somebody_is_heard_and_a_moment_longer(talking: Talking) -> None:
    assert hears_itself(talking)
    tell(talking, THEIRS)
    hushed = talking.hushed(LOUD)
    assert not hushed.samples.any()
    assert (len(hushed.samples), hushed.captured_s) == (len(LOUD.samples), LOUD.captured_s)
    tell(talking, Turn(session=THEIRS.session, state="over"))
    wait_until(lambda: bool(told(talking)) and told(talking)[-1].ended, "it is over")
    ended_s = time.monotonic()
    while not hears_itself(talking):
        time.sleep(0.01)
    assert time.monotonic() - ended_s >= TAIL_S - 0.05


def test_a_second_speaker_is_refused_and_the_first_goes_on(talking: Talking) -> None:
    tell(talking, THEIRS)
    tell(talking, Turn(session="ffffffff", state="theirs", peer="Bob", codec="15k", packet_ms=20))
    [refused] = told(talking)
    assert (refused.session, refused.refused, refused.ended) == ("ffffffff", "somebody else is talking", True)
    say(talking, "ffffffff")
    for sequence in range(20):
        say(talking, sequence=sequence)
    tell(talking, Turn(session="ffffffff", state="over"))
    tell(talking, Turn(session=THEIRS.session, state="over"))
    wait_until(lambda: told(talking)[-1].session == THEIRS.session and told(talking)[-1].ended, "it is over")
    assert told(talking)[-1].played > 0


def test_who_talks_right_after_another_is_heard_when_that_is_played(talking: Talking) -> None:
    """The aggregator gives the next turn while the loudspeaker still plays the end of the one before."""
    last = ""
    for number in range(4):
        last = f"{number:08x}"
        tell(talking, Turn(session=last, state="theirs", peer="Ada", codec="15k", packet_ms=20))
        for sequence in range(3):
            say(talking, last, sequence)
        tell(talking, Turn(session=last, state="over"))
    wait_until(lambda: bool(told(talking)) and told(talking)[-1].session == last, "all are over")
    assert [heard.session for heard in told(talking) if heard.ended] == [
        f"{number:08x}" for number in range(4)
    ]
    assert [heard.refused for heard in told(talking)] == [""] * len(told(talking))
    assert all(heard.played == 3 for heard in told(talking) if heard.ended)


def test_sound_that_no_turn_announced_is_not_heard(talking: Talking) -> None:
    say(talking)
    assert hears_itself(talking)
    assert told(talking) == []


def test_a_codec_that_is_not_understood_is_refused(talking: Talking) -> None:
    talking.codecs = ("8k",)
    tell(talking, THEIRS)
    assert [heard.refused for heard in told(talking)] == ["does not understand 15k"]


class FakeLine:
    """An aggregator that grants turns, or not, and tells what the other node hears."""

    def __init__(self, *, refuses: str = "", ends: bool = False) -> None:
        self.refuses, self.ends = refuses, ends
        self.calls: list[Call] = []
        self.said: list[SoundPacket] = []
        self.full = False
        self._turns: deque[Turn] = deque()

    def call(self, call: Call) -> None:
        self.calls.append(call)
        if call.action == "end":
            heard = Heard(session=call.session, played=len(self.said), lost=1, captured_ms=1, ended=True)
            self._turns.append(Turn(session=call.session, state="heard", heard=heard))
            self._turns.append(Turn(session=call.session, state="over"))
        elif self.refuses:
            self._turns.append(Turn(session=call.session, state="refused", reason=self.refuses))
        else:
            self._turns.append(
                Turn(session=call.session, state="yours", codec=call.codecs[0], packet_ms=call.packet_ms)
            )
        if self.ends:
            self._turns.append(Turn(session=call.session, state="over", reason="it is no longer allowed"))

    def say(self, packet: SoundPacket) -> bool:
        if not self.full:
            self.said.append(packet)
        return not self.full

    def next(self, timeout_s: float = 0.0) -> Turn | None:
        return self._turns.popleft() if self._turns else None


def a_block(number: int, begun_s: float | None = None) -> Block:
    """Of now, or of a time that is still to come, for what is old is dropped."""
    captured_s = time.time() if begun_s is None else begun_s + number * 0.02
    return Block(samples=np.full(320, 100, np.int16), captured_s=captured_s)


def test_packets_carry_when_they_were_captured() -> None:
    line, begun_s = FakeLine(), float(round(time.time()) + 1000)
    turn = OwnTurn(line, "hall", ("8k",), 40)
    for number in range(5):
        turn.say(a_block(number, begun_s))
    begun_ms = round(begun_s * 1000)
    assert [packet.captured_ms - begun_ms for packet in line.said] == [20, 60]
    assert [packet.sequence for packet in line.said] == [0, 1]
    said = turn.end()
    assert (said.sent, said.heard and said.heard.lost) == (2, 1)
    assert [call.action for call in line.calls] == ["begin", "end"]


def test_what_does_not_leave_at_once_is_dropped_and_counted() -> None:
    line = FakeLine()
    turn = OwnTurn(line, "hall", ("8k",), 20)
    line.full = True
    for number in range(4):
        turn.say(a_block(number))
    assert (turn.said.sent, turn.said.dropped, line.said) == (0, 4, [])


def test_what_this_machine_was_too_slow_to_encode_is_dropped_and_time_goes_on() -> None:
    line = FakeLine()
    turn = OwnTurn(line, "hall", ("8k",), 40)
    for number in range(10):
        turn.say(a_block(number, time.time() - 100))
    turn.say(a_block(10, time.time()))
    turn.say(a_block(11, time.time()))
    assert (turn.said.dropped, [packet.sequence for packet in line.said]) == (5, [5])


def test_a_turn_that_is_refused_says_why() -> None:
    with pytest.raises(TalkError, match="hall: nobody may talk"):
        OwnTurn(FakeLine(refuses="nobody may talk to hall"), "hall", ("8k",), 20)


def test_a_turn_that_is_ended_by_others_says_why() -> None:
    turn = OwnTurn(FakeLine(ends=True), "hall", ("8k",), 20)
    turn.say(a_block(0))
    assert turn.over
    assert turn.said.over == "it is no longer allowed"


def test_it_is_told_in_words_and_numbers() -> None:
    turn = OwnTurn(FakeLine(), "hall", ("8k",), 20)
    assert arrival(turn.said) == "hall has not told yet what it hears"
    for number in range(49):
        turn.say(a_block(number))
    said = turn.end()
    said.delays_ms = [120, 90, 100]
    assert arrival(said) == "hall hears you: delay at most 100 ms, lost 2.0 %"
    assert summary(said).startswith(f"{arrival(said)}; 1.0 s in 8k, ")
    plain = json.loads(json.dumps(as_plain(said)))
    assert (plain["delay_ms"], plain["heard"]["lost"], plain["sent"]) == (100, 1, 49)


class FakeListener:
    """A microphone that always hears."""

    problem = ""

    def __init__(self, at: Callable[[int], None]) -> None:
        self._at, self._number = at, 0

    def start(self) -> None:
        pass

    def get(self, timeout_s: float) -> Block:
        self._at(self._number)
        self._number += 1
        return a_block(self._number)


def test_push_to_talk_from_a_real_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Space begins and ends a turn, twice; q leaves."""
    master, slave = pty.openpty()
    keys = {5: b" ", 30: b" ", 40: b" ", 50: b" ", 55: b"q"}
    line = FakeLine()
    wish = Wish(to="hall", recording=None, codec="8k", packet_ms=20, as_json=True)
    with os.fdopen(slave) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        with Keys() as pressed:
            listener = FakeListener(lambda number: _press(master, keys.get(number, b"")))
            status = _push_to_talk(listener, pressed, line, wish)  # type: ignore[arg-type]
    os.close(master)
    assert status == 0
    assert [call.action for call in line.calls] == ["begin", "end", "begin", "end"]
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(one)["sent"] > 5 for one in lines] == [True, True]


def _press(terminal: int, key: bytes) -> None:
    if key:
        os.write(terminal, key)
        time.sleep(0.02)


def test_push_to_talk_needs_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "none").write_text("")
    with (tmp_path / "none").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        with pytest.raises(TalkError, match="needs a terminal"), Keys():
            pass


def test_a_recording_of_any_rate_can_be_spoken(tmp_path: Path) -> None:
    from edge_agent.capture import PROMPT_BLOCK_S, Listener, make_source
    from edge_agent.settings import InputSettings
    from edge_agent.talk.command import _play

    path = tmp_path / "voice.flac"
    soundfile.write(path, np.zeros((44_100 // 2, 2), np.int16), 44_100)
    source = make_source(InputSettings(source="files", path=path), PROMPT_BLOCK_S)
    line = FakeLine()
    said = _play(Listener(source, block_s=PROMPT_BLOCK_S), OwnTurn(line, "hall", ("8k",), 20))
    assert said.sent * 320 == pytest.approx(RATE_HZ // 2, abs=640)
