"""Rows of invitations and certificates."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select, update

from aggregator.store.enrolment_tables import certificates, invitations


def lock(connection: Connection) -> None:
    """Nobody else invites, issues or revokes before this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE certificates, invitations IN SHARE ROW EXCLUSIVE MODE")


def invite(connection: Connection, row: dict[str, Any]) -> None:
    """Add an invitation."""
    connection.execute(invitations.insert().values(**row))


def end_invitations(connection: Connection, node: str, now_s: float) -> int:
    """Let the open invitations of ``node`` open nothing any more; how many."""
    wanted = update(invitations).where(invitations.c.node == node, invitations.c.ended_s.is_(None))
    return connection.execute(wanted.values(ended_s=now_s)).rowcount


def use(connection: Connection, invitation_id: int, serial: str, now_s: float) -> None:
    """An invitation was used for the certificate ``serial``."""
    wanted = update(invitations).where(invitations.c.id == invitation_id)
    connection.execute(wanted.values(ended_s=now_s, serial=serial))


def invitation(connection: Connection, digest: str) -> Any:
    """The invitation of a secret, by the secret's digest; None if there is none."""
    return connection.execute(select(invitations).where(invitations.c.digest == digest)).one_or_none()


def newest_invitations(connection: Connection) -> Sequence[Any]:
    """The last invitation of each node."""
    last = select(func.max(invitations.c.id)).group_by(invitations.c.node)
    return connection.execute(select(invitations).where(invitations.c.id.in_(last))).all()


def is_known(connection: Connection, node: str) -> bool:
    """Whether anybody was ever invited by that name."""
    wanted = select(invitations.c.id).where(invitations.c.node == node).limit(1)
    return connection.scalar(wanted) is not None


def last_generation(connection: Connection, node: str) -> int:
    """How often a node of that name has joined."""
    wanted = select(func.max(certificates.c.generation)).where(certificates.c.node == node)
    return int(connection.scalar(wanted) or 0)


def issue(connection: Connection, row: dict[str, Any]) -> None:
    """Add a certificate."""
    connection.execute(certificates.insert().values(**row))


def certificate(connection: Connection, serial: str) -> Any:
    """The certificate of that serial number; None if none was given out."""
    return connection.execute(select(certificates).where(certificates.c.serial == serial)).one_or_none()


def certificate_on(connection: Connection, node: str, key_digest: str) -> Any:
    """The newest certificate that ``node`` was given on that key; None if it was given none."""
    wanted = select(certificates).where(certificates.c.node == node, certificates.c.key_digest == key_digest)
    return connection.execute(wanted.order_by(certificates.c.id.desc()).limit(1)).one_or_none()


def newest_certificates(connection: Connection) -> Sequence[Any]:
    """The last certificate of each node."""
    last = select(func.max(certificates.c.id)).group_by(certificates.c.node)
    return connection.execute(select(certificates).where(certificates.c.id.in_(last))).all()


def revoke(connection: Connection, node: str, before_id: int | None, reason: str, now_s: float) -> int:
    """Revoke what ``node`` holds, or what it was given before the certificate ``before_id``; how many."""
    wanted = update(certificates).where(certificates.c.node == node, certificates.c.revoked_s.is_(None))
    if before_id is not None:
        wanted = wanted.where(certificates.c.id < before_id)
    return connection.execute(wanted.values(revoked_s=now_s, reason=reason)).rowcount


def confirm(connection: Connection, certificate_id: int, now_s: float) -> None:
    """A certificate lies safely on its node."""
    wanted = update(certificates).where(certificates.c.id == certificate_id)
    connection.execute(wanted.values(confirmed_s=now_s))


def revoked(connection: Connection, now_s: float) -> Sequence[Any]:
    """Serial number and time of what is revoked and would still be valid."""
    wanted = select(certificates.c.serial, certificates.c.revoked_s).where(
        certificates.c.revoked_s.is_not(None), certificates.c.not_after_s > now_s
    )
    return connection.execute(wanted.order_by(certificates.c.id)).all()
