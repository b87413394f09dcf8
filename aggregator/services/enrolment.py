"""How nodes join and leave: invitations, certificates, renewal, revocation. All of it is in the audit log."""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from aggregator.errors import EnrolmentRefusedError, TrustError
from aggregator.services import audit
from aggregator.services.authority import AGGREGATOR, CANARY, AuthorityService
from aggregator.store import enrolment as store
from aggregator.store.database import Database
from aggregator.trust.requests import check_signature, digest_of_key, requested_key
from contract import enrolment as wire
from contract.checks import NAME
from contract.enrolment import Confirm, Enrol, Granted, Renew, Token

NODES: Final = "nodes"
"""Who does what nodes ask for, in the audit log."""
LONGEST_REASON: Final = 200
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What every node is told, and for how long a certificate is valid."""

    namespace: str
    days: float
    broker_host: Callable[[], str]
    broker_port: Callable[[], int]
    ota_root: Callable[[], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What lets a node in, once."""

    node: str
    token: str
    expires_s: float


class EnrolmentService:
    """Lets nodes in and out. Safe for use by many threads and processes."""

    def __init__(
        self,
        database: Database,
        authority: AuthorityService,
        terms: Terms,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._authority, self._terms, self._now = database, authority, terms, now

    def invite(
        self, node: str, *, site: str = "", tags: Sequence[str] = (), lifetime_s: float, who: str
    ) -> Invitation:
        """A token for ``node``; an earlier one that was not used opens nothing any more.

        The node may have joined before: until the token is used, its certificate stays valid.
        """
        self._check_name(node)
        now_s = self._now()
        secret = secrets.token_hex(16)
        token = Token(secret=secret, fingerprint=self._authority.authority().fingerprint)
        row = {
            "node": node, "site": site, "tags": json.dumps(list(tags)), "digest": token.digest, "who": who,
            "created_s": now_s, "expires_s": now_s + lifetime_s,
        }  # fmt: skip
        with self._database.write() as connection:
            store.lock(connection)
            store.end_invitations(connection, node, now_s)
            store.invite(connection, row)
            audit.enter(connection, who, "node.add", {"node": node, "expires_s": row["expires_s"]}, now_s)
        return Invitation(node=node, token=str(token), expires_s=now_s + lifetime_s)

    def enrol(self, asked: Enrol) -> Granted:
        """Let in whoever shows a token; whoever asks again with the same key gets the same answer.

        Raises ``EnrolmentRefusedError`` or ``TrustError``.
        """
        now_s, digest = self._now(), wire.digest_of_secret(asked.secret)
        with self._database.read() as connection:  # strangers never hold up whoever writes
            self._invited(connection, digest)
        key = requested_key(wire.to_bytes(asked.request))
        with self._database.write() as connection:
            store.lock(connection)
            found = self._invited(connection, digest)
            if found.serial is not None:
                before = store.certificate(connection, found.serial)
                if before.key_digest != digest_of_key(key) or before.revoked_s is not None:
                    raise EnrolmentRefusedError("this token was used: `aggregator node add` makes another")
                return self._granted(before, found)
            if found.ended_s is not None or found.expires_s <= now_s:
                raise EnrolmentRefusedError("this token has expired: `aggregator node add` makes another")
            generation = store.last_generation(connection, found.node) + 1
            if generation > wire.GENERATIONS_MOST:
                raise EnrolmentRefusedError("a node of that name has joined too often: choose another name")
            given = self._issue(connection, found.node, generation, key, now_s)
            store.use(connection, found.id, given.serial, now_s)
            store.confirm(connection, given.id, now_s)
            store.revoke(connection, found.node, given.id, "the node was enrolled anew", now_s)
            audit.enter(connection, NODES, "node.enrol", _told(given), now_s)
        self.publish()
        return self._granted(given, found)

    def renew(self, asked: Renew) -> Granted:
        """Another certificate for a node that shows that it holds the present one.

        The present one stays valid until the node confirms. Whoever asks again gets the same answer.
        """
        now_s, statement = self._now(), wire.renewal(asked.serial, asked.request)
        with self._database.read() as connection:
            self._proven(connection, asked.serial, statement, asked.signature, now_s)
        key = requested_key(wire.to_bytes(asked.request))
        with self._database.write() as connection:
            store.lock(connection)
            present = self._proven(connection, asked.serial, statement, asked.signature, now_s)
            if present.key_digest == digest_of_key(key):
                raise EnrolmentRefusedError("a renewed certificate needs a new key")
            given = store.certificate_on(connection, present.node, digest_of_key(key))
            if given is None:
                given = self._issue(connection, present.node, present.generation, key, now_s)
                audit.enter(connection, NODES, "node.renew", _told(given), now_s)
            elif given.revoked_s is not None:
                raise EnrolmentRefusedError("this key was revoked")
        return self._granted(given)

    def confirm(self, asked: Confirm) -> None:
        """A node has put its new certificate where it is safe: those before it are revoked."""
        now_s, statement = self._now(), wire.confirmation(asked.serial)
        with self._database.read() as connection:
            self._proven(connection, asked.serial, statement, asked.signature, now_s)
        with self._database.write() as connection:
            store.lock(connection)
            present = self._proven(connection, asked.serial, statement, asked.signature, now_s)
            if present.confirmed_s is None:
                store.confirm(connection, present.id, now_s)
            store.revoke(connection, present.node, present.id, "was renewed", now_s)
        self.publish()

    def revoke(self, node: str, *, reason: str, who: str) -> int:
        """Let ``node`` out, with every certificate and open token it has; how many certificates.

        Also none, if that was done before. ``EnrolmentRefusedError``: nobody of that name was ever invited.
        """
        now_s, said = self._now(), reason.strip()[:LONGEST_REASON] or "revoked"
        with self._database.write() as connection:
            store.lock(connection)
            ended = store.end_invitations(connection, node, now_s)
            count = store.revoke(connection, node, None, said, now_s)
            if not store.is_known(connection, node):
                raise EnrolmentRefusedError(f"nobody was ever invited as {node!r}")
            told = {"node": node, "certificates": count, "tokens": ended, "reason": said}
            if ended or count:
                audit.enter(connection, who, "node.revoke", told, now_s)
        self.publish()
        return count

    def publish(self) -> bool:
        """Let the list of the authority say what is revoked; whether that was news."""

        def revoked() -> list[tuple[str, float]]:
            with self._database.read() as connection:
                return [(row.serial, row.revoked_s) for row in store.revoked(connection, self._now())]

        return self._authority.publish(revoked)

    def _issue(self, connection: Connection, node: str, generation: int, key: Any, now_s: float) -> Any:
        made = self._authority.authority().issue(node, key, now_s, self._terms.days)
        known = digest_of_key(key)
        store.issue(
            connection,
            {
                "node": node, "generation": generation, "serial": made.serial, "key_digest": known,
                "content": made.der, "issued_s": now_s, "not_before_s": made.not_before_s,
                "not_after_s": made.not_after_s, "reason": "",
            },
        )  # fmt: skip
        return store.certificate(connection, made.serial)

    def _invited(self, connection: Connection, digest: str) -> Any:
        found = store.invitation(connection, digest)
        if found is None:
            raise EnrolmentRefusedError("this token is not known here")
        return found

    def _proven(
        self, connection: Connection, serial: str, statement: bytes, signature: str, now_s: float
    ) -> Any:
        """The certificate of that number, whose key signed the statement, and which is valid."""
        found = store.certificate(connection, serial)
        if found is None:
            raise EnrolmentRefusedError("no such certificate was given out here")
        try:
            check_signature(found.content, statement, wire.to_bytes(signature))
        except TrustError as error:
            raise EnrolmentRefusedError(str(error)) from error
        if found.revoked_s is not None:
            raise EnrolmentRefusedError("this certificate was revoked")
        if found.not_after_s <= now_s:
            raise EnrolmentRefusedError("this certificate has expired: enrol the node anew")
        return found

    def _granted(self, given: Any, invitation: Any = None) -> Granted:
        root = self._terms.ota_root()
        return Granted(
            node=given.node, generation=given.generation, serial=given.serial,
            site=invitation.site if invitation else "",
            tags=tuple(json.loads(invitation.tags)) if invitation else (),
            certificate=wire.to_text(given.content), authority=wire.to_text(self._authority.authority().der),
            not_before_s=given.not_before_s, not_after_s=given.not_after_s,
            broker_host=self._terms.broker_host(), broker_port=self._terms.broker_port(),
            namespace=self._terms.namespace, ota_root=wire.to_text(root) if root is not None else None,
        )  # fmt: skip

    def _check_name(self, node: str) -> None:
        """The aggregator's names are its own, also as client ids at the broker."""
        taken = node in (CANARY, f"{self._terms.namespace}-{AGGREGATOR}") or node.startswith(AGGREGATOR)
        if not NAME.fullmatch(node) or taken:
            raise EnrolmentRefusedError(
                f"{node!r} is no name for a node; use 1 to 64 of a-z 0-9 _ -, and not the aggregator's"
            )


def _told(given: Any) -> dict[str, Any]:
    return {"node": given.node, "generation": given.generation, "serial": given.serial}
