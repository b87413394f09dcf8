"""Slots and pointer: whatever happens in whatever order, the right bundle is there to be run."""

import hashlib
import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge_agent.update.boot import DAMAGED, decide, without_disk
from edge_agent.update.choice import Choice
from edge_agent.update.phases import Facts, Move, next_move
from edge_agent.update.pointer import Held, Pointer, refused, rolled_back, why_failed
from edge_agent.update.starts import MOST, complaint, counted, uncounted
from edge_agent.update.store import ModelStore
from tests.edge_agent.update.disk import FULL, Refusing

A, B, C = (letter * 64 for letter in "abc")
HELD = [None, *(Held(digest=digest, attempt=1, rollout=9) for digest in (A, B, C))]


def nothing_against(_digest: str) -> str:
    return ""


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("crashes_most", [0, 1, 3])
def test_every_decision_at_boot(crashes_most: int) -> None:
    """Probation only while it is whole and has not crashed too often; else the first whole one."""
    for probation, in_service, before in itertools.product(HELD, HELD, HELD):
        for here in itertools.chain.from_iterable(itertools.combinations((A, B, C), n) for n in range(4)):
            for starts in range(crashes_most + 3):
                pointer = Pointer(probation=probation, in_service=in_service, before=before, starts=starts)
                decision = decide(pointer, here.__contains__, crashes_most, nothing_against)
                held = decision.held
                assert held is None or held.digest in here
                if probation and probation.digest in here and starts <= crashes_most:
                    assert held == probation
                    assert decision.pointer.starts == starts + 1
                else:
                    assert decision.pointer.probation is None
                    others = (in_service, before) if in_service else ()
                    whole = [one for one in others if one and one.digest in here]
                    assert held == (whole[0] if whole else None)
                    assert without_disk(pointer, here.__contains__) == held
                if probation and starts > crashes_most:
                    assert why_failed(decision.pointer, probation.digest, 1)


@pytest.mark.parametrize("bad", [{A}, {A, B}, {A, B, C}])
def test_a_confirmed_bundle_against_which_something_speaks_gives_way(bad: set[str]) -> None:
    """And the same attempt at it is not begun again."""

    def against(digest: str) -> str:
        return "it crashes" if digest in bad else ""

    for in_service, before in itertools.product(HELD[1:], HELD):
        assert in_service is not None
        pointer = Pointer(in_service=in_service, before=before)
        decision = decide(pointer, {A, B, C}.__contains__, 1, against)
        good = [one for one in (in_service, before) if one is not None and one.digest not in bad]
        assert decision.held == (good[0] if good else None)
        if in_service.digest in bad:
            assert why_failed(decision.pointer, in_service.digest, 1) == "it crashes"
            assert decision.pointer.untold is not None


def test_short_lives_count_while_the_machine_stays_on_and_the_bundle_is_the_same() -> None:
    starts = None
    for number in range(MOST):
        assert complaint(starts, A, "on") == ""
        starts = counted(starts, A, "on")
        assert starts.count == number + 1
    assert complaint(starts, A, "on") == "the agent ended 5 times in a row within 120 s of its start"
    assert starts is not None
    assert complaint(uncounted(starts), A, "on") == "", "the last one ended well"
    assert complaint(starts, A, "on again") == complaint(starts, B, "on") == ""
    assert counted(starts, A, "on again").count == counted(starts, B, "on").count == 1


def test_a_damaged_file_is_no_fault_of_the_bundle() -> None:
    pointer = Pointer(in_service=HELD[1], before=HELD[2])
    decision = decide(pointer, {B}.__contains__, 1, nothing_against)
    assert decision.held == HELD[2]
    assert why_failed(decision.pointer, A, 1) is None
    assert decision.pointer.untold is not None
    assert decision.pointer.untold.reason == DAMAGED


def test_a_later_attempt_may_be_begun_and_an_earlier_one_not() -> None:
    pointer = refused(Pointer(), A, 4, "too slow")
    assert [why_failed(pointer, A, attempt) for attempt in (3, 4, 5)] == ["too slow", "too slow", None]
    assert why_failed(pointer, B, 1) is None


def test_of_many_failures_the_latest_are_kept() -> None:
    pointer = Pointer()
    for number in range(100):
        pointer = refused(pointer, f"{number:064x}", 1, "no")
    assert len(pointer.failed) == 30
    assert why_failed(Pointer.from_plain(pointer.to_plain()), f"{99:064x}", 1) == "no"


@given(st.text(max_size=600))
def test_any_reason_can_be_kept(reason: str) -> None:
    pointer = rolled_back(Pointer(probation=HELD[1]), A, reason)
    assert Pointer.from_plain(pointer.to_plain()) == pointer


@given(st.integers(1, 100), st.integers(0, 200), st.booleans(), st.booleans())
def test_there_is_always_one_next_move(signed: int, part: int, staged: bool, tested: bool) -> None:
    move = next_move(Facts(signed_bytes=signed, part_bytes=part, staged=staged, tested=tested))
    assert (move is Move.READY) == (staged and tested)
    assert (move is Move.TEST) == (staged and not tested)
    assert (move is Move.DOWNLOAD) == (not staged and part < signed)


@settings(max_examples=30, stateful_step_count=30)
class Life(RuleBasedStateMachine):
    """A node's life: updates, restarts, crashes; and beside it, as plainly as can be, what must be so."""

    @initialize()
    def begin(self) -> None:
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self.temporary = tempfile.TemporaryDirectory(dir=memory)
        self.folder = Path(self.temporary.name)
        (self.folder / "shipped.bundle").write_bytes(b"shipped")
        self.open()
        self.in_service = self.shipped = digest_of(b"shipped")
        self.before: str | None = None
        self.probation: str | None = None
        self.crashes = 0
        self.short = ("", 0)
        """Starts in a row of a confirmed bundle, that came to nothing."""

    def open(self) -> None:
        self.store = ModelStore(self.folder / "models", self.folder / "shipped.bundle")

    def teardown(self) -> None:
        if hasattr(self, "temporary"):
            self.temporary.cleanup()

    @precondition(lambda self: self.probation is None)
    @rule(content=st.sampled_from([b"one", b"two", b"three", b"four"]))
    def update(self, content: bytes) -> None:
        digest = digest_of(content)
        if digest == self.in_service:
            return
        if self.store.path_of(digest) is None:
            (self.folder / "part").write_bytes(content)
            self.store.stage(self.folder / "part")
        self.store.begin_probation(digest)
        self.probation, self.crashes = digest, 0

    @precondition(lambda self: self.probation is not None)
    @rule()
    def confirm(self) -> None:
        assert self.probation is not None
        self.store.confirm(self.probation)
        self.before = None if self.in_service == self.shipped else self.in_service
        self.in_service, self.probation = self.probation, None

    @precondition(lambda self: self.probation is not None)
    @rule()
    def roll_back(self) -> None:
        assert self.probation is not None
        self.store.roll_back(self.probation, "deaf")
        self.probation = None

    @rule()
    def crash(self) -> None:
        self.open()
        self.crashes += 1
        choice = self.store.boot()
        if self.probation is not None and self.crashes > 1:
            assert choice.rolled_back is not None
            assert choice.rolled_back.digest == self.probation
            assert "crashed 2 times" in choice.rolled_back.reason
            self.probation = None
        self.count_start()
        assert choice.digest == (self.probation or self.in_service)
        assert choice.on_probation == (self.probation is not None)

    @rule()
    def restart(self) -> None:
        self.store.stopped()
        self.short = (self.short[0], max(0, self.short[1] - 1))
        self.open()
        choice = self.store.boot()
        self.count_start()
        assert choice.digest == (self.probation or self.in_service)

    @rule()
    def live_long_enough(self) -> None:
        self.store.steady()
        self.short = ("", 0)

    def count_start(self) -> None:
        """One that is in service for good gives way to the one before when it comes to nothing too often."""
        if self.probation is not None:
            return
        if self.short == (self.in_service, MOST):
            here = self.before is not None and self.store.path_of(self.before) is not None
            self.in_service, self.before = (str(self.before) if here else self.shipped), None
        if self.in_service != self.shipped:
            same = self.short[0] == self.in_service
            self.short = (self.in_service, 1 + (self.short[1] if same else 0))

    @rule()
    def tell(self) -> None:
        self.store.told()
        assert self.store.untold is None

    @invariant()
    def what_is_in_service_lies_here(self) -> None:
        if hasattr(self, "store"):
            assert self.store.path_of(self.in_service) is not None
            assert self.store.in_service().digest == self.in_service


TestLife = Life.TestCase


@pytest.fixture
def two(tmp_path: Path, store: ModelStore) -> tuple[str, str]:
    """Two confirmed bundles, the second in service."""
    digests = []
    for content in (b"one", b"two"):
        (tmp_path / "part").write_bytes(content)
        digest = digest_of(content)
        store.stage(tmp_path / "part")
        store.begin_probation(digest)
        store.confirm(digest)
        digests.append(digest)
    return digests[0], digests[1]


def test_a_damaged_slot_gives_way_to_the_one_before(store: ModelStore, two: tuple[str, str]) -> None:
    path = store.path_of(two[1])
    assert path is not None
    path.write_bytes(b"twp")
    choice = store.boot()
    assert choice.digest == two[0]
    assert choice.rolled_back is not None
    assert choice.rolled_back.reason == DAMAGED
    assert store.failed(two[1], 1) is None


def test_when_both_slots_are_damaged_the_shipped_one_runs(store: ModelStore, two: tuple[str, str]) -> None:
    for digest in two:
        path = store.path_of(digest)
        assert path is not None
        path.write_bytes(b"")
    assert store.boot().slot == "shipped"


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"\xff\xfe", b"[]", b'{"schema": 2}', b'{"schema": 1, "x": 1}']
)
def test_a_damaged_pointer_runs_the_shipped_one_and_can_be_written_again(
    tmp_path: Path, store: ModelStore, two: tuple[str, str], damage: bytes
) -> None:
    (tmp_path / "models" / "pointer.json").write_bytes(damage)
    assert store.boot().slot == "shipped"
    store.begin_probation(two[1])
    store.confirm(two[1])
    assert store.boot().digest == two[1]


def test_a_bundle_in_service_that_does_not_load_is_left(store: ModelStore, two: tuple[str, str]) -> None:
    store.roll_back(two[1], "it does not load")
    assert store.boot().digest == two[0]
    store.roll_back(two[0], "nor this")
    assert store.boot().slot == "shipped"
    store.roll_back(store.boot().digest, "nor this")
    assert store.boot().slot == "shipped"


def test_a_confirmed_model_that_crashes_at_each_start_gives_way_to_the_one_before(
    tmp_path: Path, two: tuple[str, str]
) -> None:
    def start() -> Choice:
        return ModelStore(tmp_path / "models", tmp_path / "shipped.bundle", power="on").boot()

    for good in (two[1], two[0]):
        assert [start().digest for _ in range(MOST)] == [good] * MOST
    last = [start() for _ in range(2 * MOST)]
    assert {choice.slot for choice in last} == {"shipped"}, "there is nothing else to fall back to"
    store = ModelStore(tmp_path / "models", tmp_path / "shipped.bundle")
    assert store.untold is not None
    assert store.untold.reason == "the agent ended 5 times in a row within 120 s of its start"
    assert [store.failed(digest, 1) for digest in two] == [store.untold.reason] * 2


def test_a_machine_that_loses_power_at_each_start_keeps_its_model(
    tmp_path: Path, two: tuple[str, str]
) -> None:
    for number in range(3 * MOST):
        store = ModelStore(tmp_path / "models", tmp_path / "shipped.bundle", power=f"time {number}")
        assert store.boot().digest == two[1]


@pytest.mark.parametrize("end", ["stopped", "steady"])
def test_starts_that_come_to_something_are_not_held_against_a_model(
    tmp_path: Path, two: tuple[str, str], end: str
) -> None:
    for _ in range(3 * MOST):
        store = ModelStore(tmp_path / "models", tmp_path / "shipped.bundle", power="on")
        assert store.boot().digest == two[1]
        getattr(store, end)()


def test_a_start_that_cannot_be_counted_is_made_all_the_same(tmp_path: Path, two: tuple[str, str]) -> None:
    files = Refusing(1, FULL, for_good=True)
    for _ in range(3 * MOST):
        store = ModelStore(tmp_path / "models", tmp_path / "shipped.bundle", power="on", files=files)
        assert store.boot().digest == two[1]


def test_nothing_is_staged_over_what_is_needed(
    tmp_path: Path, store: ModelStore, two: tuple[str, str]
) -> None:
    store.begin_probation(two[0])
    (tmp_path / "part").write_bytes(b"three")
    with pytest.raises(ValueError, match="both slots are in use"):
        store.stage(tmp_path / "part")
    assert {place.digest for place in store.places()} >= set(two)


def test_what_does_not_lie_here_is_not_begun(store: ModelStore) -> None:
    with pytest.raises(ValueError, match="no slot holds"):
        store.begin_probation(A)
    with pytest.raises(ValueError, match="is not on probation"):
        store.confirm(A)


def test_back_to_the_shipped_bundle_by_order(store: ModelStore, two: tuple[str, str]) -> None:
    shipped = digest_of(b"shipped")
    store.begin_probation(shipped)
    store.confirm(shipped)
    choice = store.boot()
    assert (choice.slot, choice.on_probation) == ("shipped", False)
    assert store.path_of(two[1]) is not None
