"""Keys and what an aggregator takes from whoever holds them; what it does by itself to keep nodes going."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import StoreError, TrustError
from aggregator.services import durable_files, ota_files
from aggregator.services.key_folder import KeyFolder, newest
from aggregator.services.ota_repository import OtaRepository
from aggregator.services.ota_signing import Signing
from aggregator.services.ota_upkeep import OtaUpkeep
from aggregator.trust import hand_over, keys, releases, roots
from aggregator.trust.lifetimes import DAY_S, Lifetimes
from aggregator.trust.releases import Addition
from tests.aggregator.ota_world import PASSPHRASE, OtaWorld, bundle

pytestmark = pytest.mark.usefixtures("cheap_keys")


@pytest.fixture
def made(tmp_path: Path) -> OtaWorld:
    return OtaWorld(tmp_path)


def test_a_key_is_sealed_and_opens_with_its_passphrase_alone() -> None:
    key = keys.make("root-1")
    sealed = key.sealed(PASSPHRASE)
    assert b"ENCRYPTED PRIVATE KEY" in sealed
    assert keys.unseal(sealed, PASSPHRASE).public == key.public
    for wrong in ("", PASSPHRASE[:-1], PASSPHRASE + " "):
        with pytest.raises(TrustError, match="does not open the key root-1"):
            keys.unseal(sealed, wrong)
    assert keys.make("root-1").sealed(PASSPHRASE)[:60] != sealed[:60], "each has a salt of its own"
    with pytest.raises(TrustError, match="at least 10 characters"):
        key.sealed("short")
    assert "private" not in repr(key).lower()


def test_a_guess_at_a_passphrase_costs_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real cost
    assert keys.COST >= 2**15


@given(st.binary(max_size=300))
def test_no_content_of_a_key_file_raises_anything_else(content: bytes) -> None:
    for tried in (content, b"soundpost key a, scrypt 2 " + b"ab" * 16 + b"\n" + content):
        with pytest.raises(TrustError):
            keys.unseal(tried, PASSPHRASE)


@given(st.binary(max_size=300))
def test_no_content_of_a_file_that_is_handed_in_raises_anything_else(content: bytes) -> None:
    with pytest.raises(TrustError):
        hand_over.read(content)


def test_what_is_handed_over_comes_out_as_it_went_in(made: OtaWorld) -> None:
    base = made.base()
    said = replace(
        base, add=(Addition(content=bundle(), nodes=("attic",)),), remove=("a.bundle",), signed=False
    )
    assert hand_over.read(hand_over.write(said)) == said


def test_any_key_can_be_changed_and_two_at_once(made: OtaWorld) -> None:
    made.publish("1.0.0")
    before = roots.names(roots.verified(made.base().roots))
    for names in (("root-2",), ("targets", "online"), ("root-1", "root-3"), ()):
        made.rotate(*names)
        after = roots.names(roots.verified(made.base().roots))
        assert {name for name in after if after[name] != before[name]} == set(names)
        before = after
        made.publish("1.0.0")
    assert len(made.base().roots) == 5
    held = {path.name for path in (made.folder / "ota").glob("online.*")}
    assert held == {f"online.{before['online'][:12]}.pem", f"online.{before['online'][:12]}.passphrase"}


def test_two_of_three_root_keys_are_enough_and_one_is_not(made: OtaWorld) -> None:
    names = roots.names(roots.verified(made.base().roots))
    lost = made.keys.path("root-2", names["root-2"])
    assert lost is not None
    lost.unlink()
    made.rotate("root-2")  # what one does then
    for name in ("root-1", "root-2"):
        keyid = roots.names(roots.verified(made.base().roots))[name]
        path = made.keys.path(name, keyid)
        assert path is not None
        path.unlink()
    change = made.signing.rotate(made.base(), ["targets"])
    assert change.lacking == "root version 3 is signed by 1 of the 2 root keys that version 2 asks for"


def test_holders_of_root_keys_who_never_meet_sign_one_after_the_other(made: OtaWorld) -> None:
    names = roots.names(roots.verified(made.base().roots))
    far = made.folder / "far"
    far.mkdir()
    for name in ("root-2", "root-3"):
        path = made.keys.path(name, names[name])
        assert path is not None
        path.rename(far / path.name)
    change = made.signing.rotate(made.base(), ["targets"])
    assert "signed by 1 of the 2" in change.lacking
    carried = hand_over.read(hand_over.write(change.handed))
    assert [one for one in roots.changes(carried.roots) if one.startswith("targets: ")]
    with pytest.raises(TrustError, match="signed by 1 of the 2"):
        made.repository.hand_in(carried)
    other = Signing(KeyFolder(far), lambda _: PASSPHRASE, lambda _: PASSPHRASE)
    both = other.sign(carried)
    assert both.lacking == ""
    made.deliver(both)
    made.publish("1.0.0")


def test_keys_of_two_folders_sign_together(made: OtaWorld) -> None:
    names = roots.names(roots.verified(made.base().roots))
    stick = made.folder / "stick"
    stick.mkdir()
    for name in roots.ROOT_KEYS:
        path = made.keys.path(name, names[name])
        assert path is not None
        path.rename(stick / path.name)
    signing = Signing(
        KeyFolder(made.keys.folder, [stick]), lambda _: PASSPHRASE, lambda _: PASSPHRASE, now=made.now
    )
    made.deliver(signing.rotate(made.base(), ["targets"]))
    assert len(made.base().roots) == 2


def test_what_was_signed_on_the_same_ground_comes_too_late(made: OtaWorld) -> None:
    base = made.base()
    first, second = (
        made.signing.publish(base, add=[Addition(content=bundle(version))]).handed
        for version in ("1.0.0", "1.1.0")
    )
    made.repository.hand_in(first)
    with pytest.raises(TrustError, match="somebody else has signed meanwhile"):
        made.repository.hand_in(second)
    made.rotate("online")
    with pytest.raises(TrustError, match="made from root version 1, but version 2 is in force"):
        made.repository.hand_in(second)


def test_another_fleets_metadata_is_not_taken(made: OtaWorld, tmp_path: Path) -> None:
    other = OtaWorld(tmp_path / "other")
    with pytest.raises(TrustError, match="another fleet's, or forged"):
        made.repository.hand_in(other.base())
    with pytest.raises(TrustError, match="another fleet's, or forged"):
        newest(made.keys.record(), other.base())


def test_what_is_listed_must_be_there(made: OtaWorld) -> None:
    change = made.signing.publish(made.base(), add=[Addition(content=bundle())])
    with pytest.raises(TrustError, match="listed, but their bundles are not here: keywords-"):
        made.repository.hand_in(replace(change.handed, add=()))
    with pytest.raises(TrustError, match="not a bundle to publish"):
        made.signing.publish(made.base(), add=[Addition(content=b"PK")])
    with pytest.raises(TrustError, match="is not published"):
        made.signing.publish(made.base(), remove=["nothing.bundle"])


def test_nobody_passes_off_older_metadata_as_the_newest(made: OtaWorld) -> None:
    old = made.base()
    target = made.publish("1.0.0")
    made.deliver(made.signing.publish(made.base(), remove=[target]))
    made.publish("1.1.0")
    # An aggregator that was taken over offers what listed nothing yet, to let the withdrawn one come back.
    base = newest(made.keys.record(), old)
    assert releases.version(base.targets) == 4


def test_the_aggregator_signs_by_itself_before_time_runs_out(tmp_path: Path) -> None:
    made = OtaWorld(tmp_path, Lifetimes(timestamp_days=3, snapshot_days=9), ago_s=8 * DAY_S)
    made.publish("1.0.0")
    before = made.files()
    for days_later, changed in (
        (1.9, set()), (2.1, {"timestamp.json"}), (6.5, {"timestamp.json", "snapshot"}), (6.6, set()),
    ):  # fmt: skip
        made.ago_s = (8 - days_later) * DAY_S
        assert made.repository.refresh() is bool(changed)
        after = made.files()
        new = {name for name in after if after[name] != before.get(name)}
        assert {"snapshot" if "snapshot" in name else name for name in new} == changed
        before = after


def test_a_power_cut_while_it_is_handed_in_leaves_the_old_or_the_new(
    made: OtaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut after each write: what nodes find is whole, and the same file handed in again mends it."""
    made.publish("1.0.0")
    real = ota_files.replace
    cut_after = 0
    while True:
        base = made.base()
        change = made.signing.rotate(base, ["targets", "online"])
        assert change.online is not None
        made.repository.keep_online_key(change.online.sealed, change.online.passphrase)
        left = cut_after

        def cut(path: Path, content: bytes) -> None:
            nonlocal left
            if left == 0:
                raise OSError(28, "no more power")
            left -= 1
            real(path, content)

        monkeypatch.setattr(ota_files, "replace", cut)
        try:
            made.repository.hand_in(change.handed)
        except StoreError:
            finished = False
        else:
            finished = True
        monkeypatch.setattr(ota_files, "replace", real)
        again = OtaRepository(made.folder / "ota", now=made.now)  # the aggregator starts again
        again.refresh()
        assert again.published()[0].model == "keywords@1.0.0"
        held = again.export()
        assert releases.is_vouched(roots.verified(held.roots), held.targets)
        made.deliver(change)
        if finished:
            break
        cut_after += 1
    assert cut_after == 4  # targets, root, snapshot, timestamp


def test_an_aggregator_without_its_online_key_says_so(made: OtaWorld) -> None:
    for path in (made.folder / "ota").glob("online.*.pem"):
        path.unlink()
    made.ago_s = -0.9 * DAY_S
    with pytest.raises(TrustError, match=r"the online key \w+, which root names, is not here"):
        made.repository.refresh()


def test_a_passphrase_that_everybody_may_read_is_refused(made: OtaWorld) -> None:
    (path,) = (made.folder / "ota").glob("online.*.passphrase")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o604)
    made.ago_s = -0.9 * DAY_S
    with pytest.raises(TrustError, match="everybody on this machine may read"):
        made.repository.refresh()


def test_a_warning_comes_before_people_must_sign(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = OtaWorld(tmp_path, Lifetimes(targets_days=40))
    upkeep = OtaUpkeep(made.repository, now=made.now)
    assert upkeep.step() is False
    assert not [one for one in caplog.messages if "expires" in one]
    made.ago_s = -11 * DAY_S
    upkeep.step()
    upkeep.step()
    (warning,) = [one for one in caplog.messages if "expires" in one]
    assert "targets metadata expires on" in warning
    assert "`aggregator ota renew`" in warning


def test_before_keys_are_made_nothing_is_done(tmp_path: Path) -> None:
    repository = OtaRepository(tmp_path / "ota")
    assert (repository.is_set_up, repository.published(), repository.refresh()) == (False, (), False)
    OtaUpkeep(repository).step()
    assert not (tmp_path / "ota").exists()
    with pytest.raises(TrustError, match="aggregator ota keys init"):
        repository.export()


def test_each_node_has_a_token_of_its_own(made: OtaWorld, tmp_path: Path) -> None:
    tokens = {made.repository.token(name) for name in ("attic", "hall")}
    assert len(tokens) == 2
    assert all(len(token) == 64 for token in tokens)
    assert OtaRepository(made.folder / "ota").token("attic") in tokens, "the same in every process"
    assert OtaRepository(tmp_path / "other").token("attic") not in tokens


def test_no_key_lies_anywhere_but_in_the_signers_folder(
    made: OtaWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    made.publish("1.0.0")
    made.rotate("targets", "online", "root-1")
    for path in (made.folder / "ota").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert PASSPHRASE.encode() not in content
            sealed = b"PRIVATE KEY" in content
            assert sealed == (path.suffix == ".pem"), path
            assert not sealed or content.startswith(b"soundpost key online,"), path
    assert PASSPHRASE not in caplog.text
    assert "PRIVATE" not in caplog.text
    for path in made.keys.folder.glob("*.pem"):
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_root_writes_belongs_to_the_folders_owner(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    durable_files.replace(tmp_path / "ota" / "metadata" / "timestamp.json", b"{}")
    for path in tmp_path.rglob("*"):
        assert path.stat().st_uid == 12345, path
