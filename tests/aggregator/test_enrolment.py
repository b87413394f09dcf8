"""Letting nodes in and out, on every database: tokens count once, keys are proven, who is out stays out."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import text

from aggregator.errors import EnrolmentRefusedError
from aggregator.services.audit import AuditService
from aggregator.services.authority import AuthorityService
from aggregator.services.enrolment import EnrolmentService, Invitation, Terms
from aggregator.services.enrolment_views import EnrolmentViews
from aggregator.store.database import Database
from aggregator.trust import certificates
from contract import enrolment as wire
from contract.enrolment import Confirm, Enrol, Granted, Renew, read_token

NOW_S = 1_800_000_000.0
HOUR_S, DAY_S = 3600.0, 86_400.0
Key = ec.EllipticCurvePrivateKey


def enrol(token: str, key: Key) -> Enrol:
    return Enrol(secret=read_token(token).secret, request=request(key))


def request(key: Key) -> str:
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return wire.to_text(made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


def renew(serial: str, present: Key, new: Key) -> Renew:
    asked = request(new)
    return Renew(serial=serial, request=asked, signature=sign(present, wire.renewal(serial, asked)))


def confirm(serial: str, key: Key) -> Confirm:
    return Confirm(serial=serial, signature=sign(key, wire.confirmation(serial)))


def sign(key: Key, statement: bytes) -> str:
    return wire.to_text(key.sign(statement, ec.ECDSA(hashes.SHA256())))


@dataclass
class World:
    """An aggregator whose clock a test turns."""

    database: Database
    authority: AuthorityService
    service: EnrolmentService
    now_s: float = NOW_S

    def invite(self, node: str = "attic", lifetime_s: float = HOUR_S) -> Invitation:
        return self.service.invite(node, site="north wing", tags=["roof"], lifetime_s=lifetime_s, who="ada")

    def join(self, node: str = "attic") -> tuple[Granted, Key]:
        key = certificates.make_key()
        return self.service.enrol(enrol(self.invite(node).token, key)), key

    def standing(self, node: str = "attic") -> str:
        found = EnrolmentViews(self.database, now=lambda: self.now_s).every()
        return {one.node: one.standing for one in found}[node]

    @property
    def listed(self) -> frozenset[str]:
        return certificates.revoked_in(self.authority.list_path.read_bytes())


@pytest.fixture
def world(any_database: Database, tmp_path: Path) -> World:
    made: World

    def now() -> float:
        return made.now_s

    authority = AuthorityService(tmp_path / "ca", now=now)
    terms = Terms(
        namespace="soundpost", days=90.0, broker_host=lambda: "hub", broker_port=lambda: 8883,
        ota_root=lambda: b"{}",
    )  # fmt: skip
    made = World(any_database, authority, EnrolmentService(any_database, authority, terms, now=now))
    return made


def test_a_token_lets_a_node_in(world: World) -> None:
    granted, key = world.join()
    assert (granted.node, granted.generation, granted.site, granted.tags) == (
        "attic",
        1,
        "north wing",
        ("roof",),
    )
    assert (granted.broker_host, granted.broker_port, granted.namespace) == ("hub", 8883, "soundpost")
    assert wire.to_bytes(granted.ota_root or "") == b"{}"
    given = x509.load_der_x509_certificate(wire.to_bytes(granted.certificate))
    assert given.public_key() == key.public_key()
    assert given.subject.rfc4514_string() == "CN=attic"
    assert world.standing() == "enrolled"


def test_the_token_knows_the_authority(world: World) -> None:
    token = read_token(world.invite().token)
    assert token.fingerprint == world.authority.authority().fingerprint


def test_a_token_is_of_no_use_twice(world: World) -> None:
    token = world.invite().token
    world.service.enrol(enrol(token, certificates.make_key()))
    with pytest.raises(EnrolmentRefusedError, match="was used"):
        world.service.enrol(enrol(token, certificates.make_key()))


def test_whoever_did_not_hear_the_answer_asks_again_with_the_same_key(world: World) -> None:
    token, key = world.invite().token, certificates.make_key()
    assert world.service.enrol(enrol(token, key)) == world.service.enrol(enrol(token, key))


def test_a_used_token_does_not_bring_back_who_was_revoked(world: World) -> None:
    token, key = world.invite().token, certificates.make_key()
    world.service.enrol(enrol(token, key))
    world.service.revoke("attic", reason="", who="ada")
    with pytest.raises(EnrolmentRefusedError, match="was used"):
        world.service.enrol(enrol(token, key))


def test_an_expired_token_lets_nobody_in(world: World) -> None:
    token = world.invite(lifetime_s=HOUR_S).token
    world.now_s += HOUR_S
    assert world.standing() == "lapsed"
    with pytest.raises(EnrolmentRefusedError, match="expired"):
        world.service.enrol(enrol(token, certificates.make_key()))


def test_a_second_token_ends_the_first_and_revoking_ends_both(world: World) -> None:
    first, second = world.invite().token, world.invite().token
    with pytest.raises(EnrolmentRefusedError, match="expired"):
        world.service.enrol(enrol(first, certificates.make_key()))
    assert world.standing() == "invited"
    world.service.revoke("attic", reason="", who="ada")
    with pytest.raises(EnrolmentRefusedError, match="expired"):
        world.service.enrol(enrol(second, certificates.make_key()))
    assert world.standing() == "revoked"


def test_a_made_up_token_lets_nobody_in(world: World) -> None:
    world.invite()
    with pytest.raises(EnrolmentRefusedError, match="not known"):
        world.service.enrol(Enrol(secret="0" * 32, request=request(certificates.make_key())))


def test_no_secret_lies_in_the_database(world: World) -> None:
    secret = read_token(world.invite().token).secret
    with world.database.read() as connection:
        rows = connection.execute(text("SELECT * FROM invitations")).all()
        log = connection.execute(text("SELECT * FROM audit")).all()
    assert len(rows) == 1
    assert secret not in f"{rows}{log}"


@pytest.mark.parametrize("name", ["Attic", "a/b", "#", "+", "", "aggregator", "aggregator-2", "canary",
                                  "soundpost-aggregator", "a" * 65])  # fmt: skip
def test_names_that_could_mean_more_are_refused(world: World, name: str) -> None:
    with pytest.raises(EnrolmentRefusedError, match="no name for a node"):
        world.invite(name)


def test_a_node_that_joins_again_is_another_generation_and_ends_the_one_before(world: World) -> None:
    before, _ = world.join()
    again, _ = world.join()
    assert (before.generation, again.generation) == (1, 2)
    assert before.serial in world.listed
    assert again.serial not in world.listed
    assert world.standing() == "enrolled"


def test_a_certificate_is_renewed_on_a_new_key_and_confirmed(world: World) -> None:
    before, key = world.join()
    world.now_s += 70 * DAY_S
    assert world.standing() == "due"
    new = certificates.make_key()
    granted = world.service.renew(renew(before.serial, key, new))
    assert (granted.node, granted.generation) == ("attic", 1)
    assert before.serial not in world.listed if world.authority.list_path.exists() else True
    world.service.confirm(confirm(granted.serial, new))
    assert before.serial in world.listed
    assert granted.serial not in world.listed
    assert world.standing() == "enrolled"
    with pytest.raises(EnrolmentRefusedError, match="was revoked"):
        world.service.renew(renew(before.serial, key, certificates.make_key()))


def test_a_replayed_renewal_gives_nothing_new(world: World) -> None:
    before, key = world.join()
    asked = renew(before.serial, key, certificates.make_key())
    assert world.service.renew(asked) == world.service.renew(asked)
    with world.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM certificates")).scalar_one() == 2


def test_a_renewal_must_be_signed_with_the_present_key(world: World) -> None:
    before, key = world.join()
    thief, new = certificates.make_key(), certificates.make_key()
    with pytest.raises(EnrolmentRefusedError, match="not signed"):
        world.service.renew(renew(before.serial, thief, thief))
    swapped = renew(before.serial, key, new)
    with pytest.raises(EnrolmentRefusedError, match="not signed"):
        world.service.renew(Renew(serial=before.serial, request=request(thief), signature=swapped.signature))
    other, other_key = world.join("cellar")
    with pytest.raises(EnrolmentRefusedError, match="not signed"):
        world.service.renew(renew(before.serial, other_key, new))
    with pytest.raises(EnrolmentRefusedError, match="a new key"):
        world.service.renew(renew(other.serial, other_key, other_key))
    with pytest.raises(EnrolmentRefusedError, match="no such certificate"):
        world.service.renew(renew("0" * 40, key, new))
    with pytest.raises(EnrolmentRefusedError, match="not signed"):
        world.service.confirm(confirm(before.serial, thief))


def test_an_expired_certificate_is_not_renewed(world: World) -> None:
    before, key = world.join()
    world.now_s += 91 * DAY_S
    assert world.standing() == "expired"
    with pytest.raises(EnrolmentRefusedError, match="expired"):
        world.service.renew(renew(before.serial, key, certificates.make_key()))


def test_who_is_revoked_is_out_for_good(world: World) -> None:
    before, key = world.join()
    new = certificates.make_key()
    pending = world.service.renew(renew(before.serial, key, new))
    assert world.service.revoke("attic", reason="stolen", who="ada") == 2
    assert {before.serial, pending.serial} <= world.listed
    assert world.standing() == "revoked"
    for asked in (renew(before.serial, key, certificates.make_key()), renew(pending.serial, new, key)):
        with pytest.raises(EnrolmentRefusedError, match="was revoked"):
            world.service.renew(asked)
    with pytest.raises(EnrolmentRefusedError, match="was revoked"):
        world.service.confirm(confirm(pending.serial, new))
    assert world.service.revoke("attic", reason="", who="ada") == 0
    with pytest.raises(EnrolmentRefusedError, match="nobody was ever invited"):
        world.service.revoke("cellar", reason="", who="ada")


def test_one_node_leaves_and_the_other_stays(world: World) -> None:
    world.join("attic")
    other, _ = world.join("cellar")
    world.service.revoke("attic", reason="", who="ada")
    assert other.serial not in world.listed
    assert world.standing("cellar") == "enrolled"


def test_what_has_expired_leaves_the_list(world: World) -> None:
    before, _ = world.join()
    world.service.revoke("attic", reason="", who="ada")
    world.now_s += 100 * DAY_S
    assert world.service.publish()
    assert before.serial not in world.listed


def test_the_list_is_written_anew_after_a_stop_between_database_and_list(world: World) -> None:
    before, _ = world.join()
    world.service.revoke("attic", reason="", who="ada")
    world.authority.list_path.unlink()
    assert world.service.publish()
    assert before.serial in world.listed


def test_who_came_and_went_stands_in_the_audit_log(world: World) -> None:
    before, key = world.join()
    world.service.renew(renew(before.serial, key, certificates.make_key()))
    world.service.revoke("attic", reason="stolen", who="ada")
    log = AuditService(world.database)
    told = [(one.who, one.action) for one in reversed(log.newest())]
    assert told == [
        ("ada", "node.add"),
        ("nodes", "node.enrol"),
        ("nodes", "node.renew"),
        ("ada", "node.revoke"),
    ]
    assert log.newest()[0].details["reason"] == "stolen"
    assert log.verify().intact


def test_many_at_once_with_one_token_let_one_in(world: World) -> None:
    import threading

    token, outcomes = world.invite().token, []

    def attempt() -> None:
        try:
            outcomes.append(world.service.enrol(enrol(token, certificates.make_key())).serial)
        except EnrolmentRefusedError:
            outcomes.append("")

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 6
    assert len([one for one in outcomes if one]) == 1
