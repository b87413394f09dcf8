"""Rollouts, one rule at a time."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.rollouts import orders
from aggregator.domain.rollouts.hours import minute_of_day
from aggregator.domain.rollouts.obstacles import is_older
from aggregator.domain.rollouts.plan import Plan, Release, Targets, Wave
from aggregator.domain.rollouts.selection import draft, is_target, place
from aggregator.domain.rollouts.words import read_wave, written
from aggregator.errors import RolloutError
from tests.aggregator.domain.rollout_world import NEW, NEWER, Fleet, a_node, a_plan, a_release

ALL = Wave(name="all", percent=100)
NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True), min_size=1, max_size=60, unique=True)


def fleet_of(count: int, **fields: object) -> Fleet:
    return Fleet(*(a_node(f"n{number:02}", **fields) for number in range(count)))


@given(NAMES, st.integers(0, 100))
def test_a_percentage_of_the_targets_is_stable_and_grows_with_the_number(names: list[str], less: int) -> None:
    nodes = [a_node(name) for name in names]
    few = a_plan(ALL, targets=Targets(percent=less))
    more = a_plan(ALL, targets=Targets(percent=min(100, less + 20)))
    chosen = {node.name for node in nodes if is_target(few, node)}
    assert chosen <= {node.name for node in nodes if is_target(more, node)}
    assert chosen == {node.name for node in nodes[: len(nodes) // 2] if is_target(few, node)} | {
        node.name for node in nodes[len(nodes) // 2 :] if is_target(few, node)
    }


def test_places_are_spread_evenly() -> None:
    below = sum(place(f"node-{number}", "seed") < 0.1 for number in range(5000))
    assert 420 < below < 580


@given(NAMES, st.lists(st.integers(1, 100), min_size=1, max_size=4, unique=True), st.booleans())
def test_waves_share_the_targets_out_and_reach_their_percentage(
    names: list[str], percents: list[int], whole_sites: bool
) -> None:
    nodes = [a_node(name, site=f"site {len(name)}") for name in names]
    waves = [Wave(name=f"w{percent}", percent=percent) for percent in sorted(percents)]
    members = draft(a_plan(*waves, whole_sites=whole_sites), nodes)
    assert len({one.node for one in members}) == len(members)
    reached = 0
    for number, wave in enumerate(waves):
        reached += sum(one.wave == number for one in members)
        wanted = -(-len(nodes) * int(wave.percent or 0) // 100)
        if not whole_sites:
            assert reached == wanted
    if whole_sites:
        waves_of: dict[str, set[int]] = {}
        for one in members:
            waves_of.setdefault(f"site {len(one.node)}", set()).add(one.wave)
        assert all(len(found) == 1 for found in waves_of.values())


@given(
    st.builds(
        Wave,
        name=st.from_regex(r"[a-z]{1,10}", fullmatch=True),
        count=st.integers(1, 1000),
        mode=st.sampled_from(("live", "shadow")),
        shadow_s=st.integers(1, 10_000).map(float),
        success_percent=st.integers(0, 100).map(float),
        error_percent=st.integers(0, 100).map(float),
        minimum_s=st.integers(0, 100_000).map(float),
        hours=st.sampled_from(("", "22:00-05:30")),
        zone=st.sampled_from(("", "Europe/Berlin")),
        at_once=st.integers(0, 100),
    )
)
def test_a_wave_is_read_as_it_is_written(wave: Wave) -> None:
    read = read_wave(written(wave))
    assert (read, read.shadow_s) == (wave, wave.shadow_s) or wave.mode == "live"


@pytest.mark.parametrize(
    "words", ["", "canary", "=1", "a=x%", "a=10%,", "a=1,b=2", "a=1,hours=25:00-26:00", "a=200%", "a=0",
              "a=1,zone=Nowhere/Else", "a=1,zone=../passwd", "a=1,zone=Europe",
              "a=1,errors=-1%", "a=1,least=soon", "a=9e9", "a=1,success=nan%"],
)  # fmt: skip
def test_words_that_are_no_wave_are_refused(words: str) -> None:
    with pytest.raises(RolloutError):
        read_wave(words)


def test_a_plan_survives_its_way_through_the_store() -> None:
    plan = a_plan(
        read_wave("ears=5%, shadow=2h"), ALL, release=a_release(nodes=("a",)), whole_sites=True,
        targets=Targets(nodes=("a",), tags=("b",), percent=12.5), zone="Asia/Tokyo",
    )  # fmt: skip
    assert Plan.from_plain(json.loads(json.dumps(plan.to_plain()))) == plan


def test_a_wave_keeps_to_its_maintenance_window() -> None:
    fleet = fleet_of(3)
    fleet.make(a_plan(Wave(name="night", percent=100, hours="22:00-05:00")))
    fleet.minute = 12 * 60
    assert fleet.turn() == []
    fleet.minute = 23 * 60
    assert len(fleet.turn()) == 3


def test_a_maintenance_window_goes_by_the_clock_of_the_wave_else_of_the_rollout() -> None:
    for wave_zone, rollout_zone, goes_by in (("", "east", "east"), ("west", "east", "west"), ("", "", "")):
        fleet = fleet_of(3)
        zones = {"east": "Asia/Tokyo", "west": "America/Denver", "": ""}
        wave = Wave(name="night", percent=100, hours="22:00-05:00", zone=zones[wave_zone])
        fleet.make(a_plan(wave, zone=zones[rollout_zone]))
        fleet.minutes = {name: 23 * 60 for name in zones.values() if name != zones[goes_by]}
        fleet.minutes[zones[goes_by]] = 12 * 60
        assert fleet.turn() == []
        fleet.minutes = {name: 12 * 60 for name in zones.values() if name != zones[goes_by]}
        fleet.minutes[zones[goes_by]] = 23 * 60
        assert len(fleet.turn()) == 3


def test_clocks_are_put_forward_and_back() -> None:
    """An hour that comes twice counts twice; one that is left out does not come."""
    spring, autumn = 1_774_746_000.0, 1_792_890_000.0  # 2026-03-29 and 2026-10-25, 01:00 UTC
    berlin = [minute_of_day(spring + gone, "Europe/Berlin") for gone in (-60, 0)]
    assert berlin == [119, 180]
    assert [minute_of_day(autumn + gone, "Europe/Berlin") for gone in (-60, 0)] == [179, 120]


def test_the_next_wave_waits_for_the_minimum_time() -> None:
    fleet = fleet_of(3)
    fleet.make(a_plan(Wave(name="canary", count=1, minimum_s=100), ALL))
    fleet.confirm(fleet.turn())
    assert fleet.turn(later_s=98) == []
    fleet.turn(later_s=5)
    assert len(fleet.turn()) == 2


def test_no_more_than_the_limit_are_under_way() -> None:
    fleet = fleet_of(5)
    fleet.make(a_plan(Wave(name="all", percent=100, at_once=2)))
    first = fleet.turn()
    assert len(first) == 2
    assert fleet.turn() == []
    fleet.confirm(first[:1])
    assert len(fleet.turn()) == 1


def test_a_site_goes_together_and_goes_back_together() -> None:
    nodes = [a_node(f"{site}-{number}", site=site) for site in ("barn", "loft") for number in range(3)]
    fleet = Fleet(*nodes)
    fleet.make(a_plan(Wave(name="first", count=1), ALL, whole_sites=True))
    together = fleet.turn()
    assert len(together) == 3
    assert len({name.split("-")[0] for name in together}) == 1
    fleet.say(together[0], "confirmed")
    fleet.say(together[1], "rolled_back", reason="deaf")
    fleet.turn()
    assert [fleet.states()[name] for name in together] == ["withdrawn", "failed", "withdrawn"]
    assert all(fleet.desired[name].release is None for name in together)
    assert fleet.rollout().state == "paused"
    fleet.order(orders.retry(fleet.rollout(), fleet.world[1].members))
    assert sorted(fleet.turn()) == sorted(together)


def test_a_site_with_a_node_that_cannot_is_left_alone_whole() -> None:
    fleet = Fleet(
        a_node("a", site="barn"), a_node("b", site="barn", agent_version="0.0.1"), a_node("c", site="loft")
    )
    fleet.make(a_plan(ALL, release=a_release(minimum_agent_version="0.1"), whole_sites=True))
    assert fleet.turn() == ["c"]
    assert (
        fleet.members()["a"].reason == "its site goes together, and of b: its agent 0.0.1 is older than 0.1"
    )


@pytest.mark.parametrize(
    ("release", "reason"),
    [
        (a_release(nodes=("other",)), "the release is not for this node"),
        (a_release(frontend_digest="ee" * 32), "its front end is another one"),
        (a_release(minimum_agent_version="0.2"), "its agent 0.1.0 is older than 0.2"),
    ],
)
def test_a_node_that_cannot_run_it_is_skipped_and_says_why(release: Release, reason: str) -> None:
    fleet = fleet_of(1)
    fleet.make(a_plan(ALL, release=release))
    assert fleet.turn() == []
    assert (fleet.states()["n00"], fleet.members()["n00"].reason) == ("skipped", reason)


def test_a_node_that_takes_no_updates_is_skipped_until_it_does() -> None:
    nodes = [a_node(name, takes_updates=name == "c") for name in "abcd"]
    fleet = Fleet(*nodes)
    fleet.make(a_plan())
    assert fleet.turn() == ["c"], "the canary is one that can"
    fleet.confirm("c")
    assert (fleet.turn(), fleet.turn()) == ([], [])
    assert fleet.states() == {"a": "skipped", "b": "skipped", "c": "succeeded", "d": "skipped"}
    assert fleet.members()["a"].reason == "it takes no updates: [update] root is not set there"
    assert fleet.rollout().state == "finished", "nobody waits for them"
    fleet.join(a_node("a", heard_s=fleet.now_s))
    assert fleet.turn() == ["a"]


def test_another_front_end_can_be_asked_for() -> None:
    fleet = fleet_of(1)
    fleet.make(a_plan(ALL, release=a_release(frontend_digest="ee" * 32), new_front_end=True))
    assert fleet.turn() == ["n00"]


def test_an_agent_that_was_updated_is_taken_after_all() -> None:
    fleet = fleet_of(2)
    fleet.make(
        a_plan(Wave(name="all", percent=100, minimum_s=1e6), release=a_release(minimum_agent_version="2"))
    )
    assert fleet.turn() == []
    fleet.join(a_node("n00", agent_version="2.1", heard_s=fleet.now_s))
    assert fleet.turn() == ["n00"]


def test_a_node_that_runs_it_already_has_nothing_to_do() -> None:
    fleet = Fleet(a_node("a", digest=NEW), a_node("b"))
    fleet.make(a_plan(ALL))
    fleet.turn()
    assert fleet.states() == {"a": "succeeded", "b": "assigned"}


def test_a_rollout_that_finished_gives_way_to_a_later_one() -> None:
    fleet = fleet_of(2)
    fleet.make(a_plan(ALL))
    fleet.confirm(fleet.turn())
    fleet.turn()
    fleet.make(a_plan(ALL, release=a_release(NEWER)))
    fleet.confirm(fleet.turn(), 2)
    fleet.turn()
    assert (fleet.rollout(1).state, fleet.rollout(2).state) == ("superseded", "finished")
    fleet.join(a_node("late", heard_s=fleet.now_s))
    assert fleet.turn() == ["late"]
    assert fleet.desired["late"].release == NEWER


def test_a_vanished_node_of_a_finished_rollout_does_not_block_the_next() -> None:
    fleet = fleet_of(2)
    fleet.make(a_plan(ALL))
    fleet.turn()
    fleet.say("n00", "confirmed")
    fleet.nodes["n00"] = a_node("n00", heard_s=9000.0)
    fleet.turn(later_s=8000.0)
    assert fleet.rollout().state == "finished"
    fleet.make(a_plan(ALL, release=a_release(NEWER)))
    fleet.nodes["n01"] = a_node("n01", heard_s=9000.0)
    assert sorted(fleet.turn()) == ["n00", "n01"]
    assert fleet.members(1)["n01"].reason == "rollout 2 took it over"


def test_a_node_that_never_answers_is_given_up_in_the_end() -> None:
    fleet = fleet_of(2)
    fleet.make(a_plan(ALL))
    fleet.turn()
    fleet.say("n00", "confirmed")
    for _ in range(8):
        for name in fleet.nodes:
            fleet.nodes[name] = a_node(name, heard_s=fleet.now_s)
        fleet.turn(later_s=3000.0)
    assert fleet.rollout().state == "finished"
    fleet.say("n01", "confirmed")
    assert fleet.states()["n01"] == "succeeded", "its answer still counts"


def test_what_a_node_was_to_run_before_comes_back_with_its_attempt() -> None:
    fleet = fleet_of(1)
    fleet.make(a_plan(ALL))
    fleet.turn()
    fleet.say("n00", "refused")
    fleet.order(orders.retry(fleet.rollout(), fleet.world[1].members))
    fleet.turn()
    fleet.confirm(["n00"])
    fleet.turn()
    fleet.nodes["n00"] = a_node("n00", digest=NEW)
    number = fleet.make(a_plan(ALL, release=a_release(NEWER)))
    fleet.turn()
    fleet.say("n00", "rolled_back", number, reason="slow")
    order = fleet.desired["n00"]
    assert (order.release, order.attempt, order.rollout) == (NEW, 2, None)


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=4), st.lists(st.integers(0, 30), min_size=1, max_size=4)
)
def test_versions_are_ordered(mine: list[int], theirs: list[int]) -> None:
    first, second = (".".join(map(str, one)) for one in (mine, theirs))
    assert not (is_older(first, second) and is_older(second, first))
    assert not is_older(first, first + ".0")


def test_a_node_that_goes_back_from_what_it_had_confirmed_counts_as_failed() -> None:
    """The error threshold heeds it, whatever wave has begun, and nobody overrules who told the node since."""
    fleet = Fleet(*(a_node(f"n{number}") for number in range(10)))
    fleet.make(a_plan(Wave(name="canary", count=2, error_percent=0), Wave(name="all", percent=100)))
    first = fleet.turn()
    fleet.confirm(first)
    assert len(fleet.turn() + fleet.turn()) == 8
    wanted = dict(fleet.desired)
    fleet.say(first[0], "rolled_back", reason="it crashed at each start")
    assert fleet.desired == wanted
    failed = fleet.members()[first[0]]
    assert (failed.state, failed.reason) == ("failed", "it crashed at each start")
    fleet.turn()
    assert fleet.rollout().state == "paused"
    assert "wave canary: 1 of 2 nodes failed" in fleet.rollout().reason
    fleet.say(first[1], "refused", reason="it failed before")
    fleet.say(first[1], "rolled_back", attempt=9)
    assert fleet.states()[first[1]] == "succeeded", "only this attempt, and only what was taken back"
