"""Half duplex, tried with everything that three speakers can do, up to five steps long."""

import itertools

import pytest

from contract.floor import HOLD_S, TAIL_S, Floor

SPEAKERS = ("ann", "bob", "eve")
EVENTS = (
    *(("ask", who, 0.0) for who in SPEAKERS),
    *(("leave", who, 0.0) for who in SPEAKERS),
    ("wait", "", TAIL_S / 2),
    ("wait", "", TAIL_S),
    ("wait", "", HOLD_S),
)


@pytest.mark.parametrize("first", EVENTS, ids=str)
def test_only_one_speaks_at_a_time_whatever_they_try(first: tuple[str, str, float]) -> None:
    for rest in itertools.product(EVENTS, repeat=4):
        floor, now_s = Floor(), 0.0
        heard: dict[str, float] = {}
        """Speaker → when last granted and not left."""
        left = ("", -1e9)
        for what, who, after_s in (first, *rest):
            now_s += after_s
            others = [one for one, at_s in heard.items() if one != who and now_s - at_s < HOLD_S]
            if what == "ask":
                rings = left[0] not in ("", who) and now_s - left[1] < TAIL_S
                granted = floor.ask(who, now_s)
                assert granted == (not others and not rings)
                if granted:
                    heard, left = {who: now_s}, ("", -1e9)
            elif what == "leave":
                spoke = now_s - heard.get(who, -1e9) < HOLD_S
                floor.leave(who, now_s)
                if spoke:
                    left = (who, now_s)
                    del heard[who]
            speaking = [one for one, at_s in heard.items() if now_s - at_s < HOLD_S]
            assert floor.speaker(now_s) == "".join(speaking)
            assert sum(not floor.busy_for(one, now_s) for one in SPEAKERS) in (1, len(SPEAKERS))


def test_who_goes_on_speaking_keeps_the_floor() -> None:
    floor = Floor()
    for step in range(100):
        assert floor.ask("ann", step * HOLD_S * 0.9)
        assert not floor.ask("bob", step * HOLD_S * 0.9)


def test_silence_gives_it_up_without_a_word() -> None:
    floor = Floor()
    assert floor.ask("ann", 5.0)
    assert not floor.ask("bob", 5.0 + HOLD_S / 2)
    assert floor.ask("bob", 5.0 + HOLD_S)


def test_the_tail_is_for_others_only() -> None:
    floor = Floor()
    floor.ask("ann", 0.0)
    floor.leave("ann", 1 / 8)
    assert floor.speaker(1 / 8) == ""
    assert floor.busy_for("bob", 1 / 8 + TAIL_S / 2)
    assert floor.ask("ann", 1 / 8 + TAIL_S / 2)
