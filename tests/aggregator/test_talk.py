"""Who may talk to whom, whose turn it is, what is passed on, and what is written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.talking import LEVELS, NODES, OFF, PEOPLE, chosen, refusal
from aggregator.errors import TalkError, UnknownNodeError
from aggregator.services.audit import AuditService
from aggregator.services.ingest import IngestService
from aggregator.services.talk import TalkService
from aggregator.services.talk_turns import LAST_WORD_S, Running, Turns
from aggregator.store.database import Database
from contract.floor import HOLD_S
from contract.live import SoundPacket
from contract.record import Record
from contract.topics import TALK, TURN, Topic
from contract.voice import Call, Heard, Turn
from tests.aggregator.messages import NAMESPACE, birth, incoming, state
from tests.waiting import wait_until

SPOKEN = ("opus", "15k")


class FakeLine:
    """Keeps what would go to nodes."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Topic, Record]] = []

    def send(self, node: str, topic: Topic, record: Record) -> None:
        self.sent.append((node, topic, record))

    def turns(self, node: str) -> list[Turn]:
        return [record for to, topic, record in self.sent if (to, topic) == (node, TURN)]  # type: ignore[misc]

    def sound(self, node: str) -> list[SoundPacket]:
        return [record for to, topic, record in self.sent if (to, topic) == (node, TALK)]  # type: ignore[misc]


@pytest.fixture
def line() -> FakeLine:
    return FakeLine()


@pytest.fixture
def talk(database: Database, line: FakeLine) -> TalkService:
    """Of three nodes: one understands two codecs, one understands one, through one nobody talks."""
    ingest = IngestService(database, NAMESPACE)
    for node, talking in (("attic", SPOKEN), ("hall", ("15k",)), ("cellar", ())):
        ingest.store([incoming(birth(talking=talking), node=node), incoming(state(), node=node)])
    service = TalkService(database)
    service.line = line
    for node in ("attic", "hall", "cellar"):
        service.allow(node, NODES, "Ada")
    return service


def a_packet(session: str, codec: str = "15k", sequence: int = 0) -> SoundPacket:
    return SoundPacket(session=session, codec=codec, sequence=sequence, captured_ms=1, payload=b"\1")


def a_call(session: str = "0a1b2c3d", to: str = "hall", codecs: tuple[str, ...] = SPOKEN) -> Call:
    return Call(session=session, action="begin", to=to, codecs=codecs, packet_ms=20)


@given(level=st.sampled_from(LEVELS), understood=st.sampled_from([(), ("15k",)]), online=st.booleans(),
       from_node=st.sampled_from([None, "hall", "attic"]))  # fmt: skip
def test_owner_and_operator_must_both_allow_it(
    level: str, understood: tuple[str, ...], online: bool, from_node: str | None
) -> None:
    allowed = not refusal("attic", level, understood, online=online, from_node=from_node)
    enough = level == NODES or (level == PEOPLE and from_node is None)
    assert allowed == (bool(understood) and enough and online and from_node != "attic")


def test_the_speakers_best_codec_that_is_understood_is_chosen() -> None:
    assert chosen(SPOKEN, ("15k", "opus")) == "opus"
    assert chosen(SPOKEN, ("15k",)) == "15k"
    assert chosen(("opus",), ("15k",)) == ""


def test_nobody_may_talk_to_a_node_at_first(database: Database) -> None:
    IngestService(database, NAMESPACE).store([incoming(birth(talking=SPOKEN), node="attic")])
    service = TalkService(database)
    assert service.node("attic").level == OFF
    with pytest.raises(TalkError, match="until that is allowed on its page"):
        service.begin("Ada", "attic", SPOKEN, 20, print)
    with pytest.raises(UnknownNodeError):
        service.node("tower")


def test_a_call_is_a_turn_and_its_sound_is_passed_on(talk: TalkService, line: FakeLine) -> None:
    talk.call("attic", a_call())
    [told] = line.turns("hall")
    assert (told.state, told.peer, told.codec, told.packet_ms) == ("theirs", "node attic", "15k", 20)
    [answer] = line.turns("attic")
    assert (answer.state, answer.peer, answer.codec) == ("yours", "hall", "15k")
    for sequence in range(3):
        talk.packet("attic", a_packet("0a1b2c3d", sequence=sequence))
    assert [packet.sequence for packet in line.sound("hall")] == [0, 1, 2]


def test_only_who_has_the_turn_is_passed_on(talk: TalkService, line: FakeLine) -> None:
    """Not another node in its name, not in another codec, not in another session, and not after the end."""
    talk.call("attic", a_call())
    talk.packet("cellar", a_packet("0a1b2c3d"))
    talk.packet("attic", a_packet("0a1b2c3d", codec="opus"))
    talk.packet("attic", a_packet("ffffffff"))
    talk.call("cellar", Call(session="0a1b2c3d", action="end"))
    talk.packet("attic", a_packet("0a1b2c3d"))
    assert len(line.sound("hall")) == 1
    talk.call("attic", Call(session="0a1b2c3d", action="end"))
    talk.packet("attic", a_packet("0a1b2c3d", sequence=1))
    assert len(line.sound("hall")) == 1
    assert line.turns("hall")[-1].state == "over"


@pytest.mark.parametrize(
    ("caller", "call", "why"),
    [
        ("hall", a_call("00000001", "attic"), "node attic is talking there"),
        ("cellar", a_call("00000001", "hall"), "node attic is talking there"),
        ("hall", a_call("0a1b2c3d", "cellar"), "the owner of cellar"),
        ("cellar", a_call("00000001", "tower"), "no node is called"),
        ("cellar", a_call("00000001", "cellar"), "the owner of cellar"),
        ("cellar", a_call("00000001", "hall", ("opus",)), "hall understands 15k"),
    ],
)
def test_who_may_not_talk_is_told_why(
    talk: TalkService, line: FakeLine, caller: str, call: Call, why: str
) -> None:
    talk.call("attic", a_call())
    talk.call(caller, call)
    refused = line.turns(caller)[-1]
    assert (refused.state, refused.session) == ("refused", call.session)
    assert why in refused.reason


def test_a_person_here_talks_too_and_is_recorded(
    talk: TalkService, line: FakeLine, database: Database
) -> None:
    told: list[Turn] = []
    turn = talk.begin("Ada", "attic", SPOKEN, 20, told.append)
    assert turn.codec == "opus"
    assert talk.say(turn, a_packet(turn.session, "opus"))
    talk.heard("hall", Heard(session=turn.session, played=9, ended=True))
    assert told == []
    talk.heard("attic", Heard(session=turn.session, played=1, lost=2, captured_ms=1))
    assert told[-1].heard is not None
    talk.end(turn)
    talk.heard("attic", Heard(session=turn.session, played=1, lost=2, captured_ms=1, ended=True))
    talk.look()
    assert (told[-1].state, told[-1].reason, talk.busy) == ("over", "", False)
    last, first = AuditService(database).newest(2)
    assert (first.who, first.action, last.who, last.action) == ("Ada", "talk", "Ada", "talked")
    assert first.details["session"] == last.details["session"]
    assert (last.details["packets"], last.details["played"], last.details["lost"]) == (1, 1, 2)
    assert AuditService(database).verify().intact


def test_a_node_that_cannot_play_ends_the_turn(talk: TalkService) -> None:
    told: list[Turn] = []
    turn = talk.begin("Ada", "attic", SPOKEN, 20, told.append)
    talk.heard("attic", Heard(session=turn.session, refused="no loudspeaker at all", ended=True))
    talk.look()
    assert told[-1].reason == "attic: no loudspeaker at all"
    assert not talk.say(turn, a_packet(turn.session, "opus"))


def test_who_is_silent_has_let_go(talk: TalkService, line: FakeLine) -> None:
    told: list[Turn] = []
    talk.begin("Ada", "attic", SPOKEN, 20, told.append)

    def over() -> bool:
        talk.look()
        return bool(told)

    wait_until(over, "the turn ends by itself", timeout_s=10 * (HOLD_S + LAST_WORD_S))
    assert told[-1].reason == "nothing was said any more"
    assert line.turns("attic")[-1].state == "over"


@pytest.mark.parametrize("level", [OFF, PEOPLE])
def test_who_is_no_longer_allowed_is_cut_off(talk: TalkService, line: FakeLine, level: str) -> None:
    talk.call("attic", a_call())
    talk.allow("hall", level, "Ada")
    talk.packet("attic", a_packet("0a1b2c3d"))
    assert line.sound("hall") == []


def test_when_the_dashboard_stops_everybody_is_cut_off(talk: TalkService, line: FakeLine) -> None:
    talk.call("attic", a_call())
    talk.close()
    assert line.turns("hall")[-1].state == "over"


actions = st.lists(
    st.tuples(st.sampled_from(["begin", "say", "end", "wait"]), st.integers(0, 3), st.integers(0, 3)),
    max_size=40,
)


@given(actions=actions)
def test_no_place_is_ever_in_two_turns(actions: list[tuple[str, int, int]]) -> None:
    turns, made, now_s = Turns(), list[Running](), 0.0
    nodes = ("a", "b", "c", None)
    for action, first, second in actions:
        if action == "begin" and nodes[second] is not None and first != second:
            turn = Running(
                session=f"{len(made):08x}", who="", to=str(nodes[second]), from_node=nodes[first], codec="8k",
                packet_ms=20, tell=_nothing, begun_s=now_s, said_s=now_s,
            )  # fmt: skip
            if not turns.begin(turn, now_s):
                made.append(turn)
        elif action == "wait":
            now_s += first * HOLD_S / 4
        elif made:
            turn = made[first % len(made)]
            _ = turns.say(turn, 1, now_s) if action == "say" else turns.end(turn, now_s)
        for turn in turns.silent(now_s):
            turns.end(turn, now_s)
        speaking = [place for turn in made if turn.ended_s is None for place in turn.places]
        assert len(speaking) == len(set(speaking))
    assert all(turn.ended_s is not None for turn in turns.take_over(now_s + LAST_WORD_S))


def _nothing(_turn: Turn) -> None:
    pass
