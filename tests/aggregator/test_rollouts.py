"""Rollouts over a real store, messages through real ingest: what nodes are told, and what becomes of it."""

import pytest
from sqlalchemy import text

from aggregator.domain.rollouts.plan import Targets
from aggregator.errors import RolloutError, StoreError, UnknownNodeError, UnknownRolloutError
from aggregator.services.deletion import DeletionService
from aggregator.store.database import Database
from tests.aggregator import messages
from tests.aggregator.rolling import NEW, NEWER, OLD, Rolling, bundle

NAMES = ("attic", "barn", "cave", "dock")


@pytest.fixture
def rolling(any_database: Database) -> Rolling:
    made = Rolling(any_database)
    made.nodes(*NAMES)
    return made


def moment(rolling: Rolling) -> dict[str, float]:
    """The minute before now, as a message says it."""
    return {"wall_s": rolling.now_s, "start_s": rolling.now_s - 60.0, "end_s": rolling.now_s}


def canary(rolling: Rolling) -> str:
    """The one node that is told first."""
    (name,) = rolling.told()
    return name


def test_a_canary_comes_first_and_then_all(rolling: Rolling) -> None:
    number = rolling.make()
    assert rolling.told() == [], "only the engine tells"
    rolling.tick()
    first = canary(rolling)
    wanted = rolling.wants(first)
    assert wanted is not None
    assert (wanted.release, wanted.rollout, wanted.attempt, wanted.mode) == (NEW, number, 1, "live")
    assert (wanted.url, wanted.token) == ("https://hub/ota/v1", f"token of {first}")
    assert rolling.desired.may_fetch(first, NEW)
    others = [name for name in NAMES if name != first]
    assert not any(rolling.desired.may_fetch(name, NEW) for name in others)
    rolling.say(first, "downloading", done_bytes=5, total_bytes=10)
    rolling.tick()
    assert rolling.told() == []
    rolling.say(first, "confirmed")
    rolling.tick()
    assert rolling.told() == others
    for name in others:
        rolling.say(name, "confirmed")
    rolling.tick()
    view = rolling.rollouts.get(number)
    assert (view.state, view.counts["succeeded"]) == ("finished", 4)
    assert [wave.state for wave in view.waves] == ["done", "done"]


def test_a_failing_canary_pauses_before_another_wave_begins(rolling: Rolling) -> None:
    number = rolling.make()
    rolling.tick()
    first = canary(rolling)
    rolling.say(first, "rolled_back", reason="it crashed twice on probation")
    rolling.tick()
    rolling.tick(10_000.0)
    view = rolling.rollouts.get(number)
    assert (view.state, view.automatic, view.counts["waiting"]) == ("paused", True, 3)
    assert view.reason == "wave canary: 1 of 1 nodes failed, at most 5 % may"
    member = rolling.rollouts.detail(number, state="failed").members[0]
    assert (member.node, member.reason) == (first, "it crashed twice on probation")
    wanted = rolling.wants(first)
    assert wanted is not None
    assert wanted.release is None, "it stays at what it went back to"
    assert rolling.told() == [first]


def test_a_node_that_goes_back_after_it_confirmed_pauses_the_rollout(rolling: Rolling) -> None:
    """Its model crashed later; what others told the node since stays."""
    number = rolling.make("canary=1, errors=0%", "all=100%, least=1h")
    rolling.tick()
    first = canary(rolling)
    rolling.told()
    rolling.say(first, "confirmed")
    rolling.tick()
    rolling.say(first, "rolled_back", reason="the agent ended 5 times in a row")
    rolling.tick()
    view = rolling.rollouts.get(number)
    assert (view.state, view.automatic) == ("paused", True)
    assert "wave canary: 1 of 1 nodes failed" in view.reason
    [failed] = rolling.rollouts.detail(number, state="failed").members
    assert (failed.node, failed.reason) == (first, "the agent ended 5 times in a row")
    assert first not in rolling.told()
    rolling.rollouts.retry(number, "ada")
    rolling.tick()
    wanted = rolling.wants(first)
    assert wanted is not None
    assert (wanted.release, wanted.attempt) == (NEW, 2)


def test_resuming_forgives_and_retrying_raises_the_attempt(rolling: Rolling) -> None:
    number = rolling.make()
    rolling.tick()
    first = canary(rolling)
    rolling.say(first, "refused", reason="no space")
    rolling.tick()
    rolling.rollouts.retry(number, "ada")
    rolling.tick()
    wanted = rolling.wants(first)
    assert wanted is not None
    assert (wanted.release, wanted.attempt) == (NEW, 2)
    rolling.say(first, "confirmed", attempt=1)
    rolling.tick()
    assert rolling.states(number)[first] == "assigned", "a report of the first attempt comes too late"
    rolling.say(first, "refused", reason="no space")
    rolling.tick()
    rolling.rollouts.resume(number, "ada")
    rolling.tick()
    assert len(rolling.told()) == 4
    assert rolling.states(number)[first] == "failed", "the next wave leaves it alone"


def test_halting_takes_back_what_is_not_confirmed(rolling: Rolling) -> None:
    number = rolling.make("all=100%")
    rolling.tick()
    assert len(rolling.told()) == 4
    rolling.say("attic", "confirmed")
    rolling.tick()
    view = rolling.rollouts.halt(number, "ada", "something is odd")
    assert (view.state, view.reason, view.counts["succeeded"], view.counts["withdrawn"]) == (
        "halted", "something is odd", 1, 3,
    )  # fmt: skip
    assert rolling.told() == ["barn", "cave", "dock"]
    assert not rolling.desired.may_fetch("barn", NEW)
    rolling.say("barn", "confirmed", release=NEW, rollout=number, attempt=1)
    rolling.nodes("elm")
    rolling.tick()
    assert rolling.told() == []
    assert rolling.states(number)["barn"] == "withdrawn"
    with pytest.raises(RolloutError, match="halted already"):
        rolling.rollouts.halt(number, "ada")


def test_cancelling_ends_at_once_and_leaves_nodes_to_themselves(rolling: Rolling) -> None:
    number = rolling.make("all=100%")
    rolling.tick()
    rolling.told()
    assert rolling.rollouts.cancel(number, "ada").state == "cancelled"
    rolling.tick()
    assert rolling.told() == []
    assert rolling.desired.may_fetch("barn", NEW), "it may finish what it began"
    again = rolling.make("all=100%", release=NEWER)
    rolling.tick()
    assert len(rolling.told()) == 4, "nobody had to answer first"
    assert rolling.states(again)["barn"] == "assigned"


def test_two_rollouts_do_not_fight_over_a_node(rolling: Rolling) -> None:
    first = rolling.make(targets=Targets(nodes=("attic", "barn")))
    with pytest.raises(RolloutError, match="rollout 1 is running and holds attic and 1 more"):
        rolling.make(release=NEWER)
    second = rolling.make("all=100%", release=NEWER, waits=True)
    rolling.tick()
    assert rolling.states(second)["barn"] == "waiting"
    reasons = {one.node: one.reason for one in rolling.rollouts.detail(second).members}
    assert reasons["barn"] == "busy in rollout 1"
    rolling.rollouts.halt(first, "ada")
    rolling.tick()
    assert rolling.states(second)["barn"] == "assigned"


def test_the_database_itself_refuses_a_node_in_two_rollouts(rolling: Rolling) -> None:
    rolling.make("all=100%", targets=Targets(nodes=("attic",)))
    rolling.make("all=100%", release=NEWER, waits=True)
    rolling.tick()
    with pytest.raises(StoreError), rolling.database.write() as connection:
        connection.execute(text("UPDATE rollout_nodes SET state = 'assigned'"))


def test_pausing_lets_those_under_way_finish(rolling: Rolling) -> None:
    number = rolling.make("all=100%, at-once=1")
    rolling.tick()
    first = canary(rolling)
    rolling.rollouts.pause(number, "ada", "lunch")
    rolling.say(first, "confirmed")
    rolling.tick()
    assert rolling.states(number)[first] == "succeeded"
    assert rolling.told() == []
    rolling.rollouts.resume(number, "ada")
    rolling.tick()
    assert len(rolling.told()) == 1


def test_an_engine_that_starts_anew_goes_on_where_it_was(rolling: Rolling) -> None:
    number = rolling.make()
    rolling.tick()
    first = canary(rolling)
    rolling.restart()
    rolling.say(first, "confirmed")
    rolling.restart()
    rolling.tick()
    assert len(rolling.told()) == 3
    rolling.restart()
    rolling.tick()
    assert rolling.told() == []
    assert rolling.rollouts.get(number).waves[1].state == "running"


def test_births_stand_in_for_reports_that_were_lost(rolling: Rolling) -> None:
    number = rolling.make("all=100%", targets=Targets(nodes=("attic",)))
    rolling.tick()
    rolling.nodes("attic", bundle_digest=NEW, model="sounds@2.0.0")
    rolling.tick()
    assert rolling.states(number) == {"attic": "assigned"}, "it may be on probation"
    rolling.now_s += 1000.0
    rolling.nodes("attic", bundle_digest=NEW, model="sounds@2.0.0")
    rolling.tick()
    assert rolling.states(number) == {"attic": "succeeded"}


def test_vanished_nodes_do_not_block_and_are_taken_when_they_come_back(rolling: Rolling) -> None:
    rolling.now_s += 7200.0
    rolling.nodes("attic", "barn", "cave")
    number = rolling.make("all=100%")
    rolling.tick()
    assert rolling.told() == ["attic", "barn", "cave"]
    for name in ("attic", "barn", "cave"):
        rolling.say(name, "confirmed")
    rolling.tick()
    assert rolling.rollouts.get(number).state == "finished"
    rolling.nodes("dock")
    rolling.tick()
    assert rolling.told() == ["dock"]


def test_new_nodes_join_but_no_canary_grows(rolling: Rolling) -> None:
    number = rolling.make()
    rolling.tick()
    first = canary(rolling)
    rolling.nodes("elm")
    rolling.nodes("words", model="keywords@1.0.0")
    rolling.tick()
    assert rolling.told() == []
    rolling.say(first, "confirmed")
    rolling.tick()
    assert "elm" in rolling.told()
    assert "words" not in rolling.states(number), "it runs another model"


def test_a_pinned_node_is_left_alone_until_it_is_free(rolling: Rolling) -> None:
    number = rolling.make("all=100%")
    rolling.tick()
    rolling.told()
    rolling.pins.pin("attic", "ada", reason="under test")
    assert rolling.told() == ["attic"]
    rolling.tick()
    assert rolling.states(number)["attic"] == "withdrawn"
    later = rolling.make("all=100%", release=NEWER, waits=True)
    rolling.rollouts.cancel(number, "ada")
    rolling.tick()
    reasons = {one.node: one.reason for one in rolling.rollouts.detail(later).members}
    assert reasons["attic"] == "pinned to what it runs"
    rolling.pins.unpin("attic", "ada")
    rolling.tick()
    assert rolling.states(later)["attic"] == "assigned"
    with pytest.raises(RolloutError, match="not pinned"):
        rolling.pins.unpin("attic", "ada")
    with pytest.raises(UnknownNodeError):
        rolling.pins.pin("nobody", "ada")


def test_a_node_can_be_pinned_to_a_release(rolling: Rolling) -> None:
    rolling.pins.pin("attic", "ada", release=NEWER[:8])
    wanted = rolling.wants("attic")
    assert wanted is not None
    assert (wanted.release, wanted.rollout, wanted.attempt) == (NEWER, None, 1)
    assert rolling.pins.pins()[0].model == bundle(NEWER).model


def test_rolling_back_sends_nodes_to_what_they_ran(rolling: Rolling) -> None:
    rolling.shelf.bundles.append(bundle(OLD, model=messages.MODEL))
    number = rolling.make("all=100%", probation_s=90.0)
    rolling.tick()
    rolling.say("attic", "confirmed")
    rolling.say("barn", "confirmed")
    rolling.tick()
    rolling.told()
    (back,) = rolling.rollouts.roll_back(number, "ada", reason="deaf in the rain")
    assert rolling.rollouts.get(number).state == "halted"
    assert sorted(rolling.states(back.id)) == ["attic", "barn"]
    rolling.nodes("attic", "barn", bundle_digest=NEW, model="sounds@2.0.0")
    rolling.tick()
    wanted = rolling.wants("attic")
    assert wanted is not None
    assert (wanted.release, wanted.rollout, wanted.probation_s) == (OLD, back.id, 90.0)


def test_rolling_back_does_not_wait_in_silence_for_another_rollout(rolling: Rolling) -> None:
    rolling.shelf.bundles += [bundle(OLD, model=messages.MODEL), bundle(NEWER, model="sounds@3.0.0")]
    number = rolling.make("all=100%")
    rolling.tick()
    for name in NAMES:
        rolling.say(name, "confirmed")
    rolling.tick()
    rolling.nodes(*NAMES, bundle_digest=NEW, model="sounds@2.0.0")
    other = rolling.make("canary=1", "all=100%", release=NEWER)
    with pytest.raises(RolloutError, match=f"rollout {other} is running and holds attic and 3 more: halt"):
        rolling.rollouts.roll_back(number, "ada")
    assert rolling.rollouts.get(number).state == "finished"
    rolling.rollouts.roll_back(other, "ada")
    (back,) = rolling.rollouts.roll_back(number, "ada")
    assert back.counts["waiting"] == len(NAMES)


def test_rolling_back_to_what_is_not_published_is_refused_whole(rolling: Rolling) -> None:
    number = rolling.make("all=100%")
    rolling.tick()
    rolling.say("attic", "confirmed")
    rolling.tick()
    with pytest.raises(RolloutError, match="attic ran bundle cdcdcdcdcdcd before, which is not published"):
        rolling.rollouts.roll_back(number, "ada")
    assert rolling.rollouts.get(number).state == "running"


def test_a_release_that_is_not_published_any_more_is_not_assigned(rolling: Rolling) -> None:
    number = rolling.make()
    rolling.shelf.bundles.clear()
    rolling.tick()
    assert rolling.told() == []
    view = rolling.rollouts.get(number)
    assert (view.state, view.automatic) == ("paused", True)
    assert "not published any more" in view.reason


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"release": "ff" * 32}, "no published bundle is called"),
        ({"targets": Targets(nodes=("nobody",))}, "no node called 'nobody' has introduced itself"),
        ({"targets": Targets(tags=("south",))}, "no node has the tag 'south'"),
        ({"targets": Targets(exclude=NAMES)}, "no node is meant"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    rolling: Rolling, fields: dict[str, object], sentence: str
) -> None:
    with pytest.raises(RolloutError, match=sentence):
        rolling.make(**fields)
    with pytest.raises(UnknownRolloutError):
        rolling.rollouts.get(1)


def test_nodes_of_another_model_are_named_when_nobody_is_left(rolling: Rolling) -> None:
    rolling.shelf.bundles.append(bundle("ee" * 32, model="keywords@2"))
    with pytest.raises(RolloutError, match="4 nodes run a model of another name than keywords"):
        rolling.make(release="keywords@2")


def test_a_shadow_wave_listens_and_is_stopped_before_the_next_one(rolling: Rolling) -> None:
    number = rolling.make("ears=1, shadow=10m, agree=95%", "all=100%")
    rolling.tick()
    first = canary(rolling)
    wanted = rolling.wants(first)
    assert wanted is not None
    assert (wanted.mode, wanted.shadow_s, wanted.attempt) == ("shadow", 600.0, 1)
    heard = messages.shadow(90, release=NEW, steps=100, agreed=97, **moment(rolling))
    rolling.ingest.store([messages.incoming(heard, first, received_s=rolling.now_s)])
    rolling.say(first, "shadowed")
    rolling.tick()
    assert rolling.told() == list(NAMES)
    wanted = rolling.wants(first)
    assert wanted is not None
    assert (wanted.mode, wanted.attempt) == ("live", 2)
    assert rolling.rollouts.get(number).waves[0].counts["succeeded"] == 1


def test_models_that_disagree_pause_the_rollout(rolling: Rolling) -> None:
    number = rolling.make("ears=1, shadow=10m, agree=99%", "all=100%")
    rolling.tick()
    first = canary(rolling)
    heard = messages.shadow(90, release=NEW, steps=100, agreed=97, **moment(rolling))
    rolling.ingest.store([messages.incoming(heard, first, received_s=rolling.now_s)])
    rolling.say(first, "shadowed")
    rolling.tick()
    assert rolling.rollouts.get(number).reason == "wave ears: the models agreed in 97.0 %, not 99 %"


def test_everything_is_in_the_audit_log(rolling: Rolling) -> None:
    number = rolling.make()
    rolling.tick()
    rolling.say(canary(rolling), "refused", reason="no")
    rolling.tick()
    rolling.rollouts.halt(number, "bo")
    said = [(one.who, one.action) for one in reversed(rolling.audit.newest())]
    assert said == [
        ("ada", "rollout.create"), ("rollouts", "rollout.paused"), ("bo", "rollout.halt"),
    ]  # fmt: skip
    assert rolling.audit.verify().intact


def test_a_tick_without_news_writes_nothing(rolling: Rolling) -> None:
    rolling.make()
    rolling.tick()
    with rolling.database.write() as connection:
        connection.execute(text("DELETE FROM ota_desired"))
    for _ in range(5):
        assert not rolling.engine.step()
    assert rolling.told() == []


def test_deleting_what_a_node_sent_reaches_what_it_said_of_updates(rolling: Rolling) -> None:
    rolling.make()
    rolling.tick()
    name = canary(rolling)
    said = [messages.shadow(80), messages.disagreement(81), messages.features(82, reason="disagreement")]
    rolling.ingest.store([messages.incoming(one, name, received_s=rolling.now_s) for one in said])
    rolling.say(name, "downloading")
    deletion = DeletionService(rolling.database, NoSnapshots())  # type: ignore[arg-type]
    assert deletion.plan_node(name).counts.reports == 3
    assert deletion.delete_node_data(name, "ada").counts.reports == 3
    assert deletion.plan_node(name).counts.nothing
    rolling.tick()


class NoSnapshots:
    """There is none to take anything out of."""

    def run(self) -> None:
        pass


def test_what_is_old_goes_by_itself(rolling: Rolling) -> None:
    number = rolling.make("all=100%")
    rolling.tick()
    rolling.say("attic", "confirmed")
    rolling.ingest.store([messages.incoming(messages.shadow(90), "attic", received_s=rolling.now_s)])
    rolling.tick()

    def counts() -> list[int]:
        with rolling.database.read() as connection:
            tables = ("update_reports", "shadow_reports")
            return [connection.execute(text(f"SELECT count(*) FROM {one}")).scalar_one() for one in tables]

    assert counts() == [1, 1]
    rolling.tick(31 * 86_400.0)
    rolling.tick(601.0)
    assert counts() == [0, 1]
    rolling.tick(340 * 86_400.0)
    rolling.tick(601.0)
    assert counts() == [0, 0]
    assert rolling.states(number)["attic"] == "succeeded"


def test_a_rollout_that_is_superseded_lets_go_of_whom_it_waited_for(rolling: Rolling) -> None:
    first = rolling.make("all=100%")
    rolling.tick()
    for name in NAMES[:3]:
        rolling.say(name, "confirmed")
    rolling.now_s += 7200.0
    rolling.nodes(*NAMES[:3])
    rolling.tick()
    assert rolling.rollouts.get(first).state == "finished"
    second = rolling.make("all=100%", release=NEWER)
    rolling.tick()
    for name in NAMES[:3]:
        rolling.say(name, "confirmed")
    rolling.tick()
    assert rolling.rollouts.get(first).state == "superseded"
    assert rolling.states(first)["dock"] == "withdrawn"
    rolling.nodes("dock")
    rolling.tick()
    assert rolling.states(second)["dock"] == "assigned", "it comes back, and gets what is newer"
