"""Trusted time: clocks that are wrong, and nodes that were away."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.update import floor as floors
from edge_agent.update.floor import FIRST, Floor, Seen
from edge_agent.update.source import FetchError
from edge_agent.update.trust import Trust
from tests.edge_agent.update.signing import DAY_S, Repository
from tests.edge_agent.update.world import GO_ON, Shelf, trust

YEAR_S = 365 * DAY_S
TIMES = st.floats(0, 1e11)
KEYS = ("a" * 64,)


class Clock:
    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


@given(TIMES, TIMES)
def test_a_clock_behind_the_floor_is_replaced_by_it(floor_s: float, clock_s: float) -> None:
    assert floors.reference_s(Floor(time_s=floor_s, seen={}), clock_s) == max(floor_s, clock_s)


@given(st.lists(TIMES))
def test_the_floor_never_sinks(times: list[float]) -> None:
    floor = FIRST
    for time_s in times:
        after = floors.moved(floor, time_s, {})
        assert after.time_s >= floor.time_s
        floor = after


def test_versions_never_sink_while_the_keys_are_the_same() -> None:
    floor = floors.moved(FIRST, 0.0, {"timestamp": Seen(version=5, keys=KEYS)})
    assert floors.objection(floor, {"timestamp": Seen(version=5, keys=KEYS)}) == ""
    assert "version 5 was seen" in floors.objection(floor, {"timestamp": Seen(version=4, keys=KEYS)})
    assert floors.objection(floor, {"timestamp": Seen(version=1, keys=("b" * 64,))}) == ""


@pytest.fixture
def digest(repository: Repository) -> str:
    return repository.add(b"bundle", "m-1.bundle")


def look(node: Trust, repository: Repository, digest: str) -> None:
    assert node.look("m-1.bundle", digest, Shelf(repository.files), GO_ON).digest == digest


def test_clock_at_1970(tmp_path: Path, repository: Repository, digest: str) -> None:
    """A node without a clock battery takes updates, and does not take what expired before the floor."""
    clock = Clock(repository.now_s)
    node = trust(tmp_path, repository, clock)
    look(node, repository, digest)
    clock.now_s = 0.0
    look(node, repository, digest)
    assert node.floor().time_s == repository.now_s
    repository.now_s -= 3 * DAY_S
    repository.sign_online()
    with pytest.raises(FetchError, match="expired"):
        look(node, repository, digest)


def test_clock_at_1970_on_a_node_that_never_knew_the_time(
    tmp_path: Path, repository: Repository, digest: str
) -> None:
    node = trust(tmp_path, repository, Clock(0.0))
    look(node, repository, digest)
    assert node.floor().time_s == FIRST.time_s


def test_clock_ten_years_ahead(tmp_path: Path, repository: Repository, digest: str) -> None:
    """Nothing is believed while it is so, the reason is told, and a mended clock mends everything."""
    clock = Clock(repository.now_s + 10 * YEAR_S)
    node = trust(tmp_path, repository, clock)
    with pytest.raises(FetchError, match=r"is expired, by the time 20\d\d-"):
        look(node, repository, digest)
    assert node.floor() == FIRST
    clock.now_s = repository.now_s
    look(node, repository, digest)


def test_a_jumping_clock_moves_the_floor_by_no_more_than_a_day(
    tmp_path: Path, repository: Repository, digest: str
) -> None:
    clock = Clock(0.0)
    node = trust(tmp_path, repository, clock)
    for ahead_days in (0, 0.5, 3650, -20000, 0.9, 30, 1.5, -0.5, 365, 0.1):
        clock.now_s = max(0.0, repository.now_s + ahead_days * DAY_S)
        try:
            look(node, repository, digest)
        except FetchError:
            assert ahead_days >= 1
        assert node.floor().time_s <= repository.now_s + DAY_S
    clock.now_s = repository.now_s
    look(node, repository, digest)


def test_a_damaged_floor_is_begun_anew(tmp_path: Path, repository: Repository, digest: str) -> None:
    node = trust(tmp_path, repository)
    look(node, repository, digest)
    (tmp_path / "models" / "floor.json").write_bytes(b'{"time_s": "late"}')
    assert node.floor() == FIRST
    look(node, repository, digest)
    assert node.floor().seen["targets"].version == 1


def test_sixty_days_offline(tmp_path: Path, repository: Repository, digest: str) -> None:
    """Everything that the node holds has expired, roots and keys have changed: it catches up in one look."""
    clock = Clock(repository.now_s)
    node = trust(tmp_path, repository, clock)
    look(node, repository, digest)
    clock.now_s = repository.now_s = repository.now_s + 60 * DAY_S
    with pytest.raises(FetchError, match="expired"):
        look(node, repository, digest)
    repository.sign_root()
    repository.sign()
    look(node, repository, digest)
    assert node.floor().seen["root"].version == 2


def test_five_skipped_root_versions(tmp_path: Path, repository: Repository, digest: str) -> None:
    from tests.edge_agent.update.signing import signer

    node = trust(tmp_path, repository)
    look(node, repository, digest)
    for number in range(5):
        old = repository.root_keys[number % 3]
        repository.root_keys[number % 3] = signer()
        others = [key for key in repository.root_keys if key is not repository.root_keys[number % 3]]
        # Two of the old keys and two of the new must have signed.
        repository.sign_root([*others, repository.root_keys[number % 3], old])
    repository.online_key = repository.targets_key = signer()
    repository.sign_root()
    repository.sign()
    look(node, repository, digest)
    assert node.floor().seen["root"].version == 7


@pytest.mark.parametrize("damage", [b"", b"\xff", b"{}", b"[1", b'{"signed": 1, "signatures": []}', None])
def test_a_damaged_cache_never_bricks(
    tmp_path: Path, repository: Repository, digest: str, damage: bytes | None
) -> None:
    node = trust(tmp_path, repository)
    repository.sign_root()
    look(node, repository, digest)
    folder = tmp_path / "models" / "tuf"
    files = [path for path in folder.rglob("*.json") if not path.is_symlink()]
    assert len(files) >= 5
    for path in files:
        path.unlink()
        if damage is None:
            path.mkdir()
        else:
            path.write_bytes(damage)
    look(node, repository, digest)


def test_the_kept_root_serves_when_the_given_one_cannot_be_read(
    tmp_path: Path, repository: Repository, digest: str
) -> None:
    node = trust(tmp_path, repository)
    look(node, repository, digest)
    (tmp_path / "first-root.json").unlink()
    look(node, repository, digest)
