"""Attacks on updates, over the real routes with somebody in between, against the framework's client."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from aggregator.errors import TrustError
from aggregator.trust import envelopes, releases, roots
from aggregator.trust.hand_over import HandOver
from aggregator.trust.keys import SigningKey, make
from aggregator.trust.lifetimes import Lifetimes, expiry
from aggregator.trust.releases import Addition
from tests.aggregator.ota_world import OtaWorld, Server, bundle, serving

pytestmark = pytest.mark.usefixtures("cheap_keys")

REFUSED = (RepositoryError, DownloadError)
ROLES = ("timestamp.json", ".snapshot.json", ".targets.json")


@pytest.fixture
def made(tmp_path: Path) -> OtaWorld:
    return OtaWorld(tmp_path)


@pytest.fixture
def server(made: OtaWorld) -> Iterator[Server]:
    with serving(made) as running:
        yield running


def online(made: OtaWorld, targets: bytes, key: SigningKey, version: int | None = None) -> dict[str, bytes]:
    """What whoever holds ``key`` would serve so that nodes take ``targets``."""
    version = version or int(made.now()) + 1000
    number = releases.version(targets)
    meta = {"targets.json": MetaFile.from_data(number, targets, ["sha256"])}
    snapshot = envelopes.sign(
        Metadata(Snapshot(version=version, expires=expiry(made.now(), 7), meta=meta)), key
    )
    stamp = Timestamp(
        version=version, expires=expiry(made.now(), 1),
        snapshot_meta=MetaFile.from_data(version, snapshot, ["sha256"]),
    )  # fmt: skip
    return {
        "timestamp.json": envelopes.sign(Metadata(stamp), key),
        f"{version}.snapshot.json": snapshot,
        f"{number}.targets.json": targets,
    }


def test_a_node_takes_what_was_published(made: OtaWorld, server: Server) -> None:
    target = made.publish("1.0.0")
    assert made.client(server).fetch(target) == bundle("1.0.0")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("ending", [*ROLES, ".bundle"])
def test_one_flipped_bit_is_refused(made: OtaWorld, server: Server, ending: str, share: float) -> None:
    target = made.publish("1.0.0")

    def flip(content: bytes) -> bytes:
        at = int(len(content) * share)
        return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]

    server.tamper(ending, flip)
    with pytest.raises(REFUSED):
        made.client(server).fetch(target)


@pytest.mark.parametrize("ending", [*ROLES, ".bundle"])
def test_truncation_is_refused(made: OtaWorld, server: Server, ending: str) -> None:
    target = made.publish("1.0.0")
    server.tamper(ending, lambda content: content[:-1])
    with pytest.raises(REFUSED):
        made.client(server).fetch(target)


@pytest.mark.parametrize("ending", ["2.root.json", *ROLES, ".bundle"])
def test_endless_data_is_refused(made: OtaWorld, server: Server, ending: str) -> None:
    target = made.publish("1.0.0")
    server.tamper(ending, lambda content: itertools.chain([content], itertools.repeat(b" " * 16_384)))
    with pytest.raises(REFUSED):
        made.client(server).fetch(target)


def test_replayed_metadata_is_refused(made: OtaWorld, server: Server) -> None:
    made.publish("1.0.0")
    old = made.metadata("timestamp.json")
    target = made.publish("1.1.0")
    client = made.client(server)
    assert client.lists(target)
    server.serve("timestamp.json", old)
    with pytest.raises(RepositoryError, match="version"):
        client.refresh()


def test_rollback_to_an_older_version_is_refused(made: OtaWorld, server: Server) -> None:
    made.publish("1.0.0")
    old = made.files()
    target = made.publish("1.1.0", "1.2.0")
    client = made.client(server)
    assert client.lists(target)
    # All of it belongs together and is signed: only that the node has seen more tells.
    for name, content in old.items():
        server.serve(name, content)
    with pytest.raises(RepositoryError, match="version"):
        client.refresh()


def test_a_thief_of_the_online_key_cannot_roll_back_either(made: OtaWorld, server: Server) -> None:
    made.publish("1.0.0")
    old = made.metadata("2.targets.json")
    target = made.publish("1.1.0")
    client = made.client(server)
    assert client.lists(target)
    for name, content in online(made, old, made.online_key()).items():
        server.serve(name, content)
    with pytest.raises(RepositoryError, match="version"):
        client.refresh()


@pytest.mark.parametrize(
    ("lifetimes", "days"),
    [
        (Lifetimes(timestamp_days=1), 1.1),
        (Lifetimes(timestamp_days=90, snapshot_days=2), 2.1),
        (Lifetimes(timestamp_days=90, snapshot_days=90, targets_days=3), 3.1),
        (Lifetimes(timestamp_days=90, snapshot_days=90, targets_days=90, root_days=4), 4.1),
    ],
    ids=["timestamp", "snapshot", "targets", "root"],
)
def test_expired_metadata_is_refused(tmp_path: Path, lifetimes: Lifetimes, days: float) -> None:
    made = OtaWorld(tmp_path, lifetimes, ago_s=days * 86_400)
    target = made.publish("1.0.0")
    with serving(made) as server, pytest.raises(RepositoryError, match="expired"):
        made.client(server).lists(target)


def test_a_freeze_is_noticed_within_a_day(tmp_path: Path) -> None:
    made = OtaWorld(tmp_path, ago_s=1.1 * 86_400)
    target = made.publish("1.0.0")
    with serving(made) as server:
        frozen = made.metadata("timestamp.json")
        made.ago_s = 0
        assert made.repository.refresh(), "the aggregator signs anew by itself"
        server.serve("timestamp.json", frozen)
        with pytest.raises(RepositoryError, match="expired"):
            made.client(server).lists(target)
        server.tampered.clear()
        assert made.client(server).lists(target)


def test_mix_and_match_is_refused(made: OtaWorld, server: Server) -> None:
    made.publish("1.0.0")
    before = made.files()
    target = made.publish("1.1.0")
    after = made.files()
    snapshots = [sorted(name for name in files if "snapshot" in name)[-1] for files in (before, after)]
    for name, content in (
        (snapshots[1], before[snapshots[0]]),
        ("3.targets.json", before["2.targets.json"]),
        ("timestamp.json", before["timestamp.json"].replace(b'"version":', b'"version":1')),
    ):
        server.tampered.clear()
        server.serve(name, content)
        with pytest.raises(REFUSED):
            made.client(server, folder=name).lists(target)


def test_stolen_online_keys_publish_nothing(made: OtaWorld, server: Server) -> None:
    target = made.publish("1.0.0")
    client = made.client(server)
    client.fetch(target)
    thief = made.online_key()
    evil = Addition(content=bundle("6.6.6"))
    forged = releases.changed(made.base().targets, thief, Lifetimes(), made.now(), add=[evil])
    for name, content in online(made, forged, thief).items():
        server.serve(name, content)
    with pytest.raises(RepositoryError, match="was signed by 0/1 keys"):
        client.refresh()


def test_after_stolen_online_keys_a_new_one_is_believed_again(made: OtaWorld, server: Server) -> None:
    target = made.publish("1.0.0")
    client = made.client(server)
    thief = made.online_key()
    # The thief counts far ahead, so that nodes would refuse every honest timestamp as older.
    for name, content in online(made, made.base().targets, thief, version=2**40).items():
        server.serve(name, content)
    assert client.lists(target)
    server.tampered.clear()
    with pytest.raises(RepositoryError, match="version"):
        client.refresh()
    made.rotate("online")
    assert client.fetch(target) == bundle("1.0.0")
    for name, content in online(made, made.base().targets, thief, version=2**41).items():
        server.serve(name, content)
    with pytest.raises(RepositoryError, match="was signed by 0/1 keys"):
        client.refresh()


def test_a_revoked_targets_key_signs_nothing(made: OtaWorld, server: Server) -> None:
    target = made.publish("1.0.0")
    client = made.client(server)
    client.fetch(target)
    revoked, thief = made.key("targets"), made.online_key()
    made.rotate("targets")
    evil = Addition(content=bundle("6.6.6"))
    forged = releases.changed(made.base().targets, revoked, Lifetimes(), made.now(), add=[evil])
    for name, content in online(made, forged, thief).items():
        server.serve(name, content)
    with pytest.raises(RepositoryError, match="was signed by 0/1 keys"):
        client.refresh()
    server.tampered.clear()
    assert made.client(server, folder="fresh").fetch(target) == bundle("1.0.0")
    with pytest.raises(TrustError, match="is not signed by the key that root version 2 names"):
        made.repository.hand_in(HandOver(roots=made.base().roots, targets=forged, add=(evil,)))


@pytest.mark.parametrize("signer", ["root-1", "root-3"])
def test_a_root_signed_by_one_of_two_is_refused(made: OtaWorld, server: Server, signer: str) -> None:
    target = made.publish("1.0.0")
    before = made.base()
    mine = make("targets")
    draft = roots.following(before.roots[-1], {"targets": mine.public}, Lifetimes(), made.now())
    half = roots.signed(before.roots[-1], draft, [made.key(signer)])
    server.serve("2.root.json", half)
    with pytest.raises(RepositoryError, match="was signed by 1/2 keys"):
        made.client(server).lists(target)
    forged = releases.changed(before.targets, mine, Lifetimes(), made.now())
    with pytest.raises(TrustError, match="signed by 1 of the 2 root keys that version 1 asks for"):
        made.repository.hand_in(HandOver(roots=(*before.roots, half), targets=forged))


def test_a_root_that_only_signs_itself_is_refused(made: OtaWorld, server: Server) -> None:
    before = made.base()
    strangers = {name: make(name) for name in roots.KEYS}
    draft = roots.following(
        before.roots[-1], {name: key.public for name, key in strangers.items()}, Lifetimes(), made.now()
    )
    foreign = envelopes.sign(envelopes.read(Root, draft), *(strangers[name] for name in roots.ROOT_KEYS))
    server.serve("2.root.json", foreign)
    with pytest.raises(RepositoryError, match="was signed by 0/2 keys"):
        made.client(server).refresh()
    targets = releases.changed(before.targets, strangers["targets"], Lifetimes(), made.now())
    with pytest.raises(TrustError, match="signed by 0 of the 2"):
        made.repository.hand_in(HandOver(roots=(*before.roots, foreign), targets=targets))


def test_a_node_that_skipped_five_roots_goes_on(made: OtaWorld, server: Server) -> None:
    made.publish("1.0.0")
    client = made.client(server)
    client.refresh()
    for name in ("root-1", "root-2", "root-3", "targets", "online"):
        made.rotate(name)
    target = made.publish("1.1.0")
    assert client.fetch(target) == bundle("1.1.0")
    assert [path for path in server.asked if path.endswith("root.json")][-6:] == [
        f"/ota/v1/metadata/{version}.root.json" for version in range(2, 8)
    ]
    fresh = made.client(server, folder="fresh")
    assert fresh.fetch(target) == bundle("1.1.0")


def test_a_withdrawn_bundle_is_listed_no_more(made: OtaWorld, server: Server) -> None:
    target = made.publish("1.0.0")
    client = made.client(server)
    client.fetch(target)
    made.deliver(made.signing.publish(made.base(), remove=[target]))
    assert not client.lists(target)
    assert made.repository.published() == ()


TRAVERSALS = ("../evil.bundle", "..%2fevil.bundle", "a/../b.bundle", ".bundle", "A.bundle", "a..b.bundle", "")


@pytest.mark.parametrize("name", TRAVERSALS)
def test_a_name_that_leads_elsewhere_is_refused_even_if_it_is_signed(made: OtaWorld, name: str) -> None:
    made.publish("1.0.0")
    base = made.base()
    targets: Any = envelopes.read(Targets, base.targets)
    (honest,) = targets.signed.targets.values()
    targets.signed.targets = {name: honest}
    targets.signed.version += 1
    signed = envelopes.sign(Metadata(targets.signed), made.key("targets"))
    with pytest.raises(TrustError, match="is no name of a bundle"):
        made.repository.hand_in(HandOver(roots=base.roots, targets=signed))


@pytest.mark.parametrize(
    ("lie", "complaint"),
    [
        (lambda custom: custom.update(labels=["yes", "no"]), "is not the one that is listed"),
        (lambda custom: custom.update(frontend_digest="ab" * 32), "is not the one that is listed"),
        (lambda custom: custom.pop("model"), "not complete"),
        (lambda custom: custom.update(nodes=["../attic"]), "nodes"),
    ],
    ids=["labels", "front end", "model", "nodes"],
)
def test_what_is_signed_of_a_bundle_must_be_what_it_says_of_itself(
    made: OtaWorld, lie: Callable[[dict[str, Any]], object], complaint: str
) -> None:
    base = made.base()
    addition = Addition(content=bundle("1.0.0"))
    key = made.key("targets")
    targets: Any = envelopes.read(
        Targets, releases.changed(base.targets, key, Lifetimes(), made.now(), add=[addition])
    )
    (honest,) = targets.signed.targets.values()
    lie(honest.unrecognized_fields["custom"])
    signed = envelopes.sign(Metadata(targets.signed), key)
    with pytest.raises(TrustError, match=complaint):
        made.repository.hand_in(HandOver(roots=base.roots, targets=signed, add=(addition,)))
    assert made.repository.published() == ()
