"""Which sampling a node should have, who has to be told, and that telling ends."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.sampling import (
    FLEET,
    NODE,
    SCOPES,
    TAG,
    TOO_MANY,
    NodeState,
    Policy,
    owed,
    standing,
    wanted,
)
from aggregator.errors import PolicyError, UnknownNodeError
from aggregator.services.commands import CommandService
from aggregator.services.ingest import IngestService
from aggregator.services.labels import LabelService
from aggregator.services.sampling import ORDER_LIFETIME_S, SamplingService
from aggregator.store.database import Database
from contract.sampling import Sampling
from tests.aggregator.messages import LATER_BOOT, NAMESPACE, NOW_S, birth, incoming, state

OWN = Sampling()
MORE = Sampling(random_per_hour=9)
PRIVATE = Sampling(private=("dog",))


def a_policy(scope: str, target: str, sampling: Sampling = MORE) -> Policy:
    return Policy(scope=scope, target=target, sampling=sampling, set_s=1.0, set_by="test")


ATTIC = NodeState(name="attic", online=True, tags=("roof", "north"), in_force=OWN)


def test_a_node_beats_its_tags_and_those_the_fleet() -> None:
    fleet, roof, own = a_policy(FLEET, ""), a_policy(TAG, "roof"), a_policy(NODE, "attic")
    assert wanted([fleet, roof, own], ATTIC) == own
    assert wanted([fleet, roof], ATTIC) == roof
    assert wanted([fleet, a_policy(TAG, "barn"), a_policy(NODE, "barn")], ATTIC) == fleet
    assert wanted([], ATTIC) is None


def test_of_several_tags_the_one_that_the_node_names_first_has_it() -> None:
    north, roof = a_policy(TAG, "north"), a_policy(TAG, "roof")
    assert wanted([north, roof], ATTIC) == roof
    assert wanted([north, roof], replace(ATTIC, tags=("north", "roof"))) == north


@pytest.mark.parametrize(
    ("node", "told", "stands"),
    [
        (ATTIC, True, "waits"),
        (replace(ATTIC, ordered=MORE), False, "told"),
        (replace(ATTIC, ordered=PRIVATE), True, "waits"),
        (replace(ATTIC, in_force=MORE), False, "in_force"),
        (replace(ATTIC, in_force=MORE, ordered=PRIVATE), False, "in_force"),
        (replace(ATTIC, online=False), False, "waits"),
        (replace(ATTIC, online=False, ordered=MORE), False, "waits"),
        (replace(ATTIC, in_force=None), False, "unable"),
    ],
)
def test_who_has_to_be_told(node: NodeState, told: bool, stands: str) -> None:
    policy = a_policy(FLEET, "")
    assert owed([policy], [node]) == ([("attic", MORE)] if told else [])
    assert standing([policy], node) == stands
    assert owed([], [node]) == []
    assert standing([], node) == ("unable" if node.in_force is None else "own")


samplings = st.sampled_from([OWN, MORE, PRIVATE])
names = st.sampled_from(["attic", "barn", "roof", "north"])
policies = st.lists(
    st.builds(a_policy, st.sampled_from(SCOPES), names, samplings).map(
        lambda made: replace(made, target="") if made.scope == FLEET else made
    ),
    unique_by=lambda made: (made.scope, made.target),
    max_size=6,
)
nodes = st.lists(
    st.builds(
        NodeState,
        name=names,
        online=st.booleans(),
        tags=st.lists(names, unique=True, max_size=3).map(tuple),
        in_force=st.none() | samplings,
        ordered=st.none() | samplings,
    ),
    unique_by=lambda node: node.name,
)


@given(policies, nodes)
def test_once_told_and_obeyed_everybody_is_content(policies: list[Policy], nodes: list[NodeState]) -> None:
    told = dict(owed(policies, nodes))
    waiting = [replace(node, ordered=told.get(node.name, node.ordered)) for node in nodes]
    assert owed(policies, waiting) == [], "nobody is told twice"
    obeyed = [replace(node, in_force=told.get(node.name, node.in_force), ordered=None) for node in nodes]
    again = dict(owed(policies, obeyed))
    assert not set(again) & set(told)
    for node in obeyed:
        if node.name in told:
            assert standing(policies, node) == "in_force"


labels = st.sampled_from(["dog", "rain", "speech"])


@given(policies, nodes, st.lists(labels, unique=True), st.lists(labels, unique=True).map(tuple))
def test_what_is_marked_as_private_reaches_every_node_that_knows_it(
    policies: list[Policy], nodes: list[NodeState], marked: list[str], known: tuple[str, ...]
) -> None:
    nodes = [replace(node, labels=known) for node in nodes]
    told = dict(owed(policies, nodes, marked))
    for node in nodes:
        if not node.online or node.in_force is None:
            assert node.name not in told
            continue
        after = told.get(
            node.name, node.ordered if standing(policies, node, marked) == "told" else node.in_force
        )
        assert after is not None
        assert set(marked) & set(known) <= set(after.private)
        policy = wanted(policies, node)
        own = policy.sampling if policy else node.in_force
        assert set(after.private) <= set(own.private) | set(known), "never one that would close it"
        assert replace(after, private=()) == replace(own, private=())


def test_more_private_labels_than_fit_close_a_node() -> None:
    many = [f"label {number}" for number in range(60)]
    [(_, told)] = owed([], [replace(ATTIC, labels=tuple(many))], many)
    assert len(told.private) == 50
    assert TOO_MANY in told.private


class Clock:
    def __init__(self) -> None:
        self.now_s = NOW_S


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(any_database: Database, clock: Clock) -> SamplingService:
    commands = CommandService(any_database, now=lambda: clock.now_s)
    return SamplingService(any_database, commands, now=lambda: clock.now_s)


@pytest.fixture
def hear(any_database: Database) -> Callable[..., None]:
    """Stores what a node says."""
    ingest = IngestService(any_database, NAMESPACE, now=lambda: NOW_S)
    return lambda record, node="attic": ingest.store([incoming(record, node)]) and None


def ordered(database: Database, node: str = "attic") -> list[Sampling | None]:
    return [command.sampling for command in CommandService(database).recent(node)]


def test_a_policy_is_kept_replaced_and_removed(service: SamplingService, clock: Clock) -> None:
    assert service.policies() == []
    service.put(FLEET, "", MORE, by="test")
    clock.now_s += 1
    made = service.put(FLEET, "", PRIVATE, by="somebody")
    assert service.policy(FLEET) == made == service.policies()[0]
    assert (made.sampling, made.set_s, made.set_by) == (PRIVATE, NOW_S + 1, "somebody")
    service.put(TAG, "roof", MORE, by="test")
    assert service.tags() == ["roof"]
    assert service.remove(FLEET)
    assert not service.remove(FLEET)
    assert [policy.scope for policy in service.policies()] == [TAG]


def test_a_policy_reaches_a_node_that_comes_back(
    service: SamplingService, hear: Callable[..., None], any_database: Database, clock: Clock
) -> None:
    hear(birth(sampling=OWN))
    hear(state(online=False))
    service.put(NODE, "attic", MORE, by="test")
    assert service.tell() == []
    [there] = service.nodes()
    assert (there.standing, there.online, there.in_force) == ("waits", False, OWN)
    hear(state())
    assert service.tell() == ["attic"]
    assert service.tell() == [], "one command is enough"
    assert service.nodes()[0].standing == "told"
    CommandService(any_database, now=lambda: clock.now_s + 2).mark_sent(
        [command.id for command in CommandService(any_database).recent("attic")]
    )
    hear(birth(sampling=MORE))
    [there] = service.nodes()
    assert (there.standing, there.since_s, there.in_force) == ("in_force", NOW_S + 2, MORE)
    assert ordered(any_database) == [MORE]
    assert service.tell() == []


def test_a_command_that_was_lost_is_sent_again_when_it_has_expired(
    service: SamplingService, hear: Callable[..., None], any_database: Database, clock: Clock
) -> None:
    hear(birth(sampling=OWN))
    service.put(FLEET, "", MORE, by="test")
    assert service.tell() == ["attic"]
    clock.now_s += ORDER_LIFETIME_S - 1
    assert service.tell() == []
    clock.now_s += 2
    assert service.tell() == ["attic"]


def test_whoever_changes_their_mind_is_heard_at_once(
    service: SamplingService, hear: Callable[..., None], any_database: Database, clock: Clock
) -> None:
    hear(birth(sampling=OWN))
    for sampling in (MORE, PRIVATE):
        service.put(FLEET, "", sampling, by="test")
        assert service.tell() == ["attic"]
        clock.now_s += 1
    assert ordered(any_database) == [PRIVATE, MORE]


def test_a_node_whose_clock_runs_ahead_has_time_to_obey(
    service: SamplingService, hear: Callable[..., None], any_database: Database
) -> None:
    hear(birth(sampling=OWN, wall_s=NOW_S + 4000))
    service.put(FLEET, "", MORE, by="test")
    service.tell()
    [command] = CommandService(any_database).recent("attic")
    assert command.expires_s == pytest.approx(NOW_S + 4000 + ORDER_LIFETIME_S)


def test_an_agent_that_knows_no_sampling_is_left_alone(
    service: SamplingService, hear: Callable[..., None]
) -> None:
    hear(birth())
    service.put(FLEET, "", MORE, by="test")
    assert service.tell() == []
    assert service.nodes()[0].standing == "unable"


def test_a_private_label_that_no_model_knows_is_refused(
    service: SamplingService, hear: Callable[..., None]
) -> None:
    service.put(FLEET, "", Sampling(private=("speech",)), by="test")  # nobody is there to know better
    hear(birth(sampling=OWN))
    hear(birth(boot=LATER_BOOT, sampling=PRIVATE, labels=("speech",), thresholds=(0.5,)), "barn")
    with pytest.raises(
        PolicyError, match="'speech', so no window at all would be sent; it must be one of _back"
    ):
        service.put(NODE, "attic", Sampling(private=("speech",)), by="test")
    service.put(FLEET, "", Sampling(private=("speech",)), by="test")
    assert [one.unknown for one in service.nodes()] == [(), ("dog",)]


@pytest.mark.parametrize(
    ("scope", "target"), [("room", "x"), (FLEET, "attic"), (TAG, ""), (TAG, "No Tag"), (NODE, "../x")]
)
def test_a_scope_that_is_none_is_refused(service: SamplingService, scope: str, target: str) -> None:
    with pytest.raises(PolicyError):
        service.put(scope, target, MORE, by="test")


def test_a_node_that_nobody_heard_has_no_policy(service: SamplingService) -> None:
    with pytest.raises(UnknownNodeError):
        service.put(NODE, "attic", MORE, by="test")
    assert service.node("attic") is None


def test_a_label_that_is_marked_as_private_reaches_the_nodes_that_know_it(
    service: SamplingService, hear: Callable[..., None], any_database: Database, clock: Clock
) -> None:
    marks = LabelService(any_database)
    marks.add("dog", "Ada", private=True)
    speech = marks.add("speech", "Ada", private=True)
    marks.rename(speech.id, "talking", "Ada")
    hear(birth(sampling=OWN))
    hear(birth(boot=LATER_BOOT, sampling=OWN, labels=("speech",), thresholds=(0.5,)), "barn")
    assert service.tell() == ["attic", "barn"], "without any policy, too"
    assert ordered(any_database) == [PRIVATE]
    assert ordered(any_database, "barn") == [Sampling(private=("speech",))], "under its earlier name"
    hear(birth(sampling=PRIVATE))
    attic, barn = service.nodes()
    assert (attic.standing, attic.marked, attic.unknown) == ("own", ("dog",), ())
    assert (barn.standing, barn.marked) == ("told", ("speech",))
    service.put(FLEET, "", MORE, by="test")
    clock.now_s += 1
    service.tell()
    assert ordered(any_database)[0] == replace(MORE, private=("dog",))
    marks.change(marks.labels()[0].id, "Ada", private=False)
    clock.now_s += 1
    service.tell()
    assert ordered(any_database)[0] == MORE
