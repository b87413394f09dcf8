"""A candidate listens beside the model in service: what they disagree about is told, and nothing private."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.messages import Detection, Features
from contract.updates import Disagreement, Shadow
from edge_agent.agent.shadowing import TOLD_EVERY_S, Shadowing, Terms
from edge_agent.capture import Lost
from edge_agent.swap import Duty, Heard, Matcher
from tests.edge_agent.ramp import numbers_in
from tests.edge_agent.update_world import START_S, UpdateWorld

NEW = "b" * 64
SOUNDS = [(hop, hop + 12) for hop in range(300, 30_000, 200)]


def shadow(node: UpdateWorld, seconds: float = 3600.0, share: float = 1.0, **model: Any) -> Shadowing:
    guest = Shadowing(
        node.station, node.first, node.candidate(NEW, **model), Terms(seconds=seconds, share=share),
        node.shelf, node.events.append,
    )  # fmt: skip
    node.stage.invite(guest)
    return guest


def test_two_equal_models_agree(world: Callable[..., UpdateWorld]) -> None:
    node = world(yes=SOUNDS)
    shadow(node, seconds=60, yes=SOUNDS)
    node.play(61 * 50)
    assert node.kinds() == ["shadowed"]
    [told] = node.shelf.of(Shadow)
    assert told.agreed == told.steps > 0
    assert (dict(told.gained), dict(told.lost)) == ({}, {})
    assert sum(told.both.values()) >= 12
    assert not node.shelf.of(Disagreement)
    assert told.steps + told.skipped == pytest.approx(60 / 0.08, abs=4)
    assert told.skipped == pytest.approx(3 / 0.08, abs=4), "while it got warm"
    assert told.end_s - told.start_s == pytest.approx(60, abs=0.1)


@pytest.mark.parametrize("step_frames", [4, 5])
def test_what_only_one_of_them_hears_is_told_with_both_posteriors(
    world: Callable[..., UpdateWorld], step_frames: int
) -> None:
    node = world(policy="results+features", yes=[(600, 612), (1000, 1012)])
    shadow(node, seconds=40, yes=[(600, 612), (1500, 1512)], step_frames=step_frames)
    node.play(41 * 50)
    lost, gained = node.shelf.of(Disagreement)
    assert (lost.kind, lost.label, gained.kind, gained.label) == ("lost", "yes", "gained", "yes")
    assert lost.posterior > 0.8 > 0.2 > lost.candidate_posterior
    assert gained.candidate_posterior > 0.8 > 0.2 > gained.posterior
    assert abs(gained.start_s - START_S - 1500 / 50) < 0.15
    assert gained.release == NEW
    [told] = node.shelf.of(Shadow)
    assert dict(told.both) == dict(told.gained) == dict(told.lost) == {"yes": 1}
    windows = {window.reason: window for window in node.shelf.of(Features)}
    assert set(windows) == {"detection", "disagreement"}
    shown = numbers_in(np.frombuffer(windows["disagreement"].frames, np.int8).reshape(-1, 80))
    assert set(range(1500, 1512)) <= set(shown)
    assert windows["disagreement"].model == node.first.model, "frames and posteriors are those in service"
    assert len(node.shelf.of(Detection)) == 2, "the candidate detects nothing for the world to see"


def test_summaries_come_every_few_minutes_and_at_the_end(world: Callable[..., UpdateWorld]) -> None:
    node = world(policy="results", yes=SOUNDS)
    shadow(node, seconds=TOLD_EVERY_S + 20, yes=SOUNDS)
    node.play(round((TOLD_EVERY_S + 21) * 50), block=12_800)
    first, last = node.shelf.of(Shadow)
    assert first.end_s == last.start_s
    assert first.end_s - first.start_s == pytest.approx(TOLD_EVERY_S, abs=1)


@pytest.mark.parametrize("private_in", ["service", "candidate"])
def test_nothing_that_either_takes_for_private_leaves(
    world: Callable[..., UpdateWorld], private_in: str
) -> None:
    """``no`` is private; the candidate hears ``yes`` beside it, where the model in service hears nothing."""
    hidden, free = (1500, 1512), (2500, 2512)
    no = [(1524, 1530)]
    node = world(policy="results+features", private=("no",), no=no if private_in == "service" else [])
    shadow(node, seconds=70, yes=[hidden, free], no=no if private_in == "candidate" else [])
    node.play(71 * 50)
    assert len([one for one in node.shelf.of(Disagreement) if one.label == "yes"]) == 2
    published = set(node.published())
    assert not published & set(range(1450, 1590))
    assert set(range(*free)) <= published


def test_a_candidate_that_does_not_know_what_is_private_gives_no_windows(
    world: Callable[..., UpdateWorld],
) -> None:
    node = world(policy="results+features", private=("no",))
    shadow(node, seconds=40, yes=[(1500, 1512)], labels=("yes", "dog", "_other_"))
    node.play(41 * 50)
    assert len(node.shelf.of(Disagreement)) == 1
    assert node.published() == []


def test_a_label_that_is_private_is_no_reason_for_a_window(world: Callable[..., UpdateWorld]) -> None:
    node = world(policy="results+features", private=("no",))
    shadow(node, seconds=40, no=[(1500, 1512)])
    node.play(41 * 50)
    assert [one.label for one in node.shelf.of(Disagreement)] == ["no"]
    assert node.published() == []


@pytest.mark.parametrize(("broken", "says"), [("raises", "it failed"), ("nan", "no numbers")])
def test_a_broken_shadow_ends_and_harms_nobody(
    world: Callable[..., UpdateWorld], broken: str, says: str
) -> None:
    node = world(yes=SOUNDS)
    shadow(node, yes=SOUNDS, broken=broken, from_hop=600)
    node.play(1000)
    assert node.kinds() == ["rolled_back"]
    assert says in node.events[0].reason
    node.end()
    assert node.heard == list(range(node.hops))


def test_withdrawn_it_sums_up_and_ends(world: Callable[..., UpdateWorld]) -> None:
    node = world(yes=SOUNDS)
    shadow(node, yes=SOUNDS)
    node.play(700)
    node.stage.dismiss("not wanted")
    node.play(100)
    assert node.kinds() == ["withdrawn"]
    assert len(node.shelf.of(Shadow)) == 1
    assert node.heard == list(range(len(node.heard)))


def test_what_is_skipped_is_declared(world: Callable[..., UpdateWorld]) -> None:
    node = world(yes=SOUNDS)
    shadow(node, seconds=40, share=0.0, yes=[])
    node.play(41 * 50)
    [told] = node.shelf.of(Shadow)
    assert (told.steps, told.cpu_percent) == (0, 0)
    assert told.skipped == pytest.approx(40 / 0.08, abs=2)
    assert not node.shelf.of(Disagreement)


def test_a_break_in_the_sound_is_no_disagreement(world: Callable[..., UpdateWorld]) -> None:
    node = world(yes=SOUNDS)
    shadow(node, seconds=60, yes=SOUNDS)
    node.play(1306)
    node.stage.lose(Lost(reason="input_lost", start_s=1.0, end_s=2.0))
    node.play(61 * 50 - 1306)
    assert node.kinds() == ["shadowed"]
    assert not node.shelf.of(Disagreement)


@given(
    share=st.floats(0.001, 1), cost=st.floats(0.0, 3), warm_s=st.floats(0.1, 10), block_s=st.floats(0.02, 0.5)
)
def test_a_shadow_keeps_to_its_share(share: float, cost: float, warm_s: float, block_s: float) -> None:
    duty = Duty(share, warm_s)
    spent_s = heard_s = 0.0
    for _ in range(4000):
        heard_s += block_s
        if duty.listening:
            duty.listen(block_s, cost * block_s)
            spent_s += cost * block_s
        else:
            duty.pass_by(block_s)
        assert (
            spent_s <= share * (heard_s + 60) + max(0.0, cost - share) * (warm_s + 20) + cost * block_s + 1e-6
        )
    if cost < share:
        assert spent_s == pytest.approx(cost * heard_s), "what costs less than its share never pauses"


def test_without_a_share_it_never_listens() -> None:
    duty = Duty(0.0, 1.0)
    assert not duty.listening
    duty.pass_by(1e6)
    assert not duty.listening


labels = st.sampled_from(["yes", "no"])
events = st.lists(st.tuples(labels, st.floats(0, 100), st.floats(0, 2)), max_size=12)


@given(events, events)
def test_each_detection_is_settled_once(one: list[Any], other: list[Any]) -> None:
    service, candidate = ([a_sound(*event) for event in side] for side in (one, other))
    matcher = Matcher()
    settled = []
    for now_s in range(0, 110):
        fresh = [
            [sound for sound in side if now_s - 1 < sound.end_s <= now_s] for side in (service, candidate)
        ]
        settled += matcher.feed(*fresh, float(now_s))
    assert sorted((m.service for m in settled if m.service), key=key) == sorted(service, key=key)
    assert sorted((m.candidate for m in settled if m.candidate), key=key) == sorted(candidate, key=key)
    for match in settled:
        if match.kind == "both":
            assert match.service is not None
            assert match.candidate is not None
            assert match.service.near(match.candidate, 1.0)


def a_sound(label: str, start_s: float, length_s: float) -> Heard:
    return Heard(label=label, posterior=0.9, start_s=start_s, end_s=start_s + length_s)


def key(one: Heard) -> tuple[float, float, str]:
    return one.end_s, one.start_s, one.label
