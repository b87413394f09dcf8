"""What somebody on the way, or with stolen keys, may try. From the node's view; each attack by its name."""

import threading
from pathlib import Path
from typing import Any

import pytest

from edge_agent.update.outcomes import Ready, Refused, Waiting
from edge_agent.update.source import FetchError, Stream
from edge_agent.update.store import ModelStore
from edge_agent.update.trust import Signed, Trust, TrustError, UnlistedError
from tests.edge_agent.update.signing import DAY_S, Repository, signer
from tests.edge_agent.update.world import (
    GO_ON,
    Shelf,
    Told,
    desired,
    installer,
    trust,
    until_settled,
)

CONTENT = bytes(range(256)) * 400
NAME = "m-1.bundle"


def look(one: Trust, repository: Repository, digest: str, name: str = NAME) -> Signed:
    return one.look(name, digest, Shelf(repository.files), GO_ON)


@pytest.fixture
def digest(repository: Repository) -> str:
    return repository.add(CONTENT, NAME)


@pytest.fixture
def node(tmp_path: Path, repository: Repository) -> Trust:
    return trust(tmp_path, repository)


def test_what_is_signed_is_taken(
    tmp_path: Path, repository: Repository, digest: str, store: ModelStore
) -> None:
    told = Told()
    outcome = installer(tmp_path, repository, store, tell=told).step(desired(digest), GO_ON)
    assert isinstance(outcome, Ready)
    assert outcome.path.read_bytes() == CONTENT
    assert told.phases == ["offered", "downloading", "verified", "staged", "self_tested"]


def assert_not_taken(outcome: object, store: ModelStore, digest: str, says: str) -> None:
    assert isinstance(outcome, Refused), outcome
    assert says in outcome.reason
    assert store.path_of(digest) is None
    assert store.boot().slot == "shipped"
    assert store.failed(digest, 1) == outcome.reason
    assert store.failed(digest, 2) is None


@pytest.mark.parametrize("position", [0, 50_000, len(CONTENT) - 1])
def test_one_flipped_bit_of_the_bundle(
    tmp_path: Path, repository: Repository, digest: str, store: ModelStore, position: int
) -> None:
    bad = bytearray(CONTENT)
    bad[position] ^= 1
    repository.files[f"targets/{digest}.{NAME}"] = bytes(bad)
    outcome = until_settled(installer(tmp_path, repository, store), desired(digest))
    assert_not_taken(outcome, store, digest, "not what was signed")


@pytest.mark.parametrize("role", ["timestamp", "1.snapshot", "1.targets"])
def test_one_flipped_bit_of_the_metadata(node: Trust, repository: Repository, digest: str, role: str) -> None:
    content = repository.files[f"metadata/{role}.json"]
    position = content.index(b'"version"') + 11
    bad = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
    repository.files[f"metadata/{role}.json"] = bad
    with pytest.raises((TrustError, FetchError)):
        look(node, repository, digest)


def test_truncation(tmp_path: Path, repository: Repository, digest: str, store: ModelStore) -> None:
    repository.files[f"targets/{digest}.{NAME}"] = CONTENT[:-1]
    outcome = until_settled(installer(tmp_path, repository, store), desired(digest))
    assert_not_taken(outcome, store, digest, f"has {len(CONTENT) - 1} bytes, {len(CONTENT)} are signed")


class Endless(Shelf):
    """Sends zeros without end, and does not say how many."""

    sent_bytes = 0

    def stream(self, path: str, offset: int, tag: str, stop: threading.Event) -> Stream:
        def chunks() -> Any:
            while True:
                self.sent_bytes += 65_536
                yield bytes(65_536)

        return Stream(offset=0, tag="", total_bytes=None, chunks=chunks())


def test_endless_data(tmp_path: Path, repository: Repository, digest: str, store: ModelStore) -> None:
    endless = Endless(repository.files)
    outcome = until_settled(installer(tmp_path, repository, store, source=endless), desired(digest))
    assert_not_taken(outcome, store, digest, "not what was signed")
    assert endless.sent_bytes <= 3 * (len(CONTENT) + 65_536), "no more was taken than was signed"


def test_endless_metadata(node: Trust, repository: Repository, digest: str) -> None:
    repository.files["metadata/timestamp.json"] += b" " * 10_000_000
    with pytest.raises(FetchError, match="longer than 16384 bytes"):
        look(node, repository, digest)


def test_replayed_metadata(node: Trust, repository: Repository, digest: str) -> None:
    old = repository.files["metadata/timestamp.json"]
    repository.sign_online()
    look(node, repository, digest)
    repository.files["metadata/timestamp.json"] = old
    with pytest.raises(TrustError, match="timestamp version 1 must be >= 2"):
        look(node, repository, digest)


def test_replayed_metadata_after_the_cache_was_lost(
    tmp_path: Path, node: Trust, repository: Repository, digest: str
) -> None:
    old = repository.files["metadata/timestamp.json"]
    repository.sign_online()
    look(node, repository, digest)
    repository.files["metadata/timestamp.json"] = old
    for path in (tmp_path / "models" / "tuf").glob("*.json"):
        path.write_bytes(b"\xff damaged")
    with pytest.raises(TrustError, match="has version 1, version 2 was seen before"):
        look(node, repository, digest)


def test_expired_metadata(tmp_path: Path, repository: Repository, digest: str) -> None:
    late = trust(tmp_path, repository, lambda: repository.now_s + 1.1 * DAY_S)
    with pytest.raises(FetchError, match=r"timestamp\.json is expired"):
        look(late, repository, digest)


def test_freeze(tmp_path: Path, repository: Repository, digest: str) -> None:
    """The same valid metadata for ever: believed for a day, the life of the timestamp, and no longer."""
    clock = [repository.now_s]
    node = trust(tmp_path, repository, lambda: clock[0])
    look(node, repository, digest)
    clock[0] += 0.9 * DAY_S
    look(node, repository, digest)
    clock[0] += 0.2 * DAY_S
    with pytest.raises(FetchError, match=r"timestamp\.json is expired"):
        look(node, repository, digest)


def test_freeze_with_the_clock_held_back(tmp_path: Path, repository: Repository, digest: str) -> None:
    clock = [repository.now_s]
    node = trust(tmp_path, repository, lambda: clock[0])
    look(node, repository, digest)
    old = dict(repository.files)
    repository.now_s = clock[0] = repository.now_s + 5 * DAY_S
    repository.sign_online()
    look(node, repository, digest)
    clock[0] = 0.0
    fresh = dict(repository.files)
    repository.files.clear()
    repository.files.update(old)
    with pytest.raises((FetchError, TrustError)):
        look(node, repository, digest)
    repository.files.update(fresh)
    look(node, repository, digest)


def test_mix_and_match(node: Trust, repository: Repository, digest: str) -> None:
    """Targets of one moment under the snapshot of another."""
    old = repository.files["metadata/1.targets.json"]
    repository.add(b"other", "m-2.bundle")
    repository.files["metadata/2.targets.json"] = old
    with pytest.raises(TrustError, match="Expected targets v2, got v1"):
        look(node, repository, digest)


def test_mix_and_match_of_name_and_content(node: Trust, repository: Repository, digest: str) -> None:
    other = repository.add(b"other", "m-2.bundle")
    with pytest.raises(UnlistedError, match="another content"):
        look(node, repository, other, NAME)
    assert look(node, repository, digest).digest == digest


def test_rollback_to_an_older_version(node: Trust, repository: Repository, digest: str) -> None:
    """All of the past, signed again today by the online key alone: the targets are older than those seen."""
    repository.add(b"other", "m-2.bundle")
    look(node, repository, digest)
    repository.versions["targets"] = 1
    repository.sign_online()
    with pytest.raises(TrustError, match=r"Expected targets\.json version|version"):
        look(node, repository, digest)


def test_stolen_online_keys_bring_in_no_bundle(node: Trust, repository: Repository, digest: str) -> None:
    repository.targets_key = repository.online_key
    evil = repository.add(b"evil", "m-2.bundle")
    with pytest.raises(TrustError, match="targets was signed by 0/1 keys"):
        look(node, repository, evil, "m-2.bundle")


def test_after_stolen_online_keys_signed_huge_versions_a_new_root_recovers(
    tmp_path: Path, repository: Repository, digest: str
) -> None:
    node = trust(tmp_path, repository)
    honest = dict(repository.versions)
    repository.versions.update(snapshot=2**31, timestamp=2**31)
    repository.sign_online()
    look(node, repository, digest)
    repository.versions.update(snapshot=honest["snapshot"], timestamp=honest["timestamp"])
    repository.sign_online()
    with pytest.raises(TrustError):
        look(node, repository, digest)
    repository.online_key = signer()
    repository.sign_root()
    repository.sign_online()
    assert look(node, repository, digest).digest == digest


def test_a_revoked_targets_key(node: Trust, repository: Repository, digest: str) -> None:
    look(node, repository, digest)
    stolen, repository.targets_key = repository.targets_key, signer()
    repository.sign_root()
    repository.sign()
    look(node, repository, digest)
    repository.targets_key = stolen
    evil = repository.add(b"evil", "m-2.bundle")
    with pytest.raises(TrustError, match="targets was signed by 0/1 keys"):
        look(node, repository, evil, "m-2.bundle")


def test_a_root_signed_by_one_of_two(node: Trust, repository: Repository, digest: str) -> None:
    look(node, repository, digest)
    repository.root_keys[2] = signer()
    repository.sign_root(repository.root_keys[:1])
    with pytest.raises(TrustError, match="root was signed by 1/2 keys"):
        look(node, repository, digest)


def test_a_revoked_release(node: Trust, repository: Repository, digest: str) -> None:
    repository.withdraw(NAME)
    with pytest.raises(UnlistedError, match="not any more"):
        look(node, repository, digest)


def test_another_nodes_targeted_release(tmp_path: Path, repository: Repository, store: ModelStore) -> None:
    digest = repository.add(CONTENT, NAME, nodes=["barn", "mill"])
    outcome = installer(tmp_path, repository, store).step(desired(digest), GO_ON)
    assert_not_taken(outcome, store, digest, "signed for other nodes")
    mine = repository.add(CONTENT + b"!", "m-2.bundle", nodes=["barn", "roof"])
    outcome = installer(tmp_path, repository, store).step(desired(mine, "m-2.bundle"), GO_ON)
    assert isinstance(outcome, Ready)


def test_a_release_for_a_later_agent(tmp_path: Path, repository: Repository, store: ModelStore) -> None:
    digest = repository.add(CONTENT, NAME, minimum_agent_version="1.10")
    outcome = installer(tmp_path, repository, store).step(desired(digest), GO_ON)
    assert_not_taken(outcome, store, digest, "needs agent 1.10 or later")


def test_a_bad_link_is_borne_twice(
    tmp_path: Path, repository: Repository, digest: str, store: ModelStore
) -> None:
    good = repository.files[f"targets/{digest}.{NAME}"]
    repository.files[f"targets/{digest}.{NAME}"] = bytes(len(good))
    one = installer(tmp_path, repository, store)
    for _ in range(2):
        assert isinstance(one.step(desired(digest), GO_ON), Waiting)
    repository.files[f"targets/{digest}.{NAME}"] = good
    assert isinstance(one.step(desired(digest), GO_ON), Ready)
