"""Turns: no field may lie, and the delay is told by one clock alone."""

import pytest

from contract.errors import ContractError
from contract.topics import CALL, HEARD, PASSING, TURN
from contract.voice import Call, Heard, Turn
from tests.contract.examples import EXAMPLES, HEARD_WELL

END = Call(session="0a1b2c3d", action="end")
YOURS = Turn(session="0a1b2c3d", state="yours", peer="hall", codec="opus", packet_ms=20)
OVER = Turn(session="0a1b2c3d", state="over", peer="hall", reason="silence")


@pytest.mark.parametrize("changes", [
    {"to": None}, {"to": "Hall"}, {"codecs": []}, {"codecs": ["mp3"]}, {"packet_ms": None}, {"packet_ms": 30},
    {"action": "end"}, {"action": "hold"}, {"session": "0A1B2C3D"},
])  # fmt: skip
def test_a_call_says_whom_and_how(changes: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        Call.from_plain(EXAMPLES[CALL].to_plain() | changes)


@pytest.mark.parametrize("changes", [{"to": "hall"}, {"codecs": ["opus"]}, {"packet_ms": 20}])
def test_the_end_of_a_call_says_nothing_else(changes: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        Call.from_plain(END.to_plain() | changes)


@pytest.mark.parametrize(("turn", "changes"), [
    (YOURS, {"codec": None}), (YOURS, {"packet_ms": None}), (YOURS, {"state": "over"}),
    (YOURS, {"state": "ours"}), (OVER, {"codec": "opus"}), (OVER, {"state": "theirs"}),
    (OVER, {"state": "heard"}), (OVER, {"heard": HEARD_WELL.to_plain()}), (EXAMPLES[TURN], {"heard": None}),
])  # fmt: skip
def test_a_turn_says_what_belongs_to_it(turn: Turn, changes: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        Turn.from_plain(turn.to_plain() | changes)


def test_the_delay_is_by_the_clock_of_who_speaks() -> None:
    assert HEARD_WELL.captured_ms is not None
    assert HEARD_WELL.delay_ms(HEARD_WELL.captured_ms + 120) == 120 - HEARD_WELL.since_ms
    assert HEARD_WELL.delay_ms(0) == 0
    assert Heard(session="0a1b2c3d").delay_ms(5) is None


def test_loss_is_of_what_was_due() -> None:
    assert HEARD_WELL.lost_percent == pytest.approx(100 / 51)
    assert Heard(session="0a1b2c3d").lost_percent == 0


def test_nothing_of_a_conversation_is_kept_by_broker_or_ingest() -> None:
    assert {CALL, TURN, HEARD} < set(PASSING)
    assert not any(topic.retain or topic.durable for topic in PASSING)
