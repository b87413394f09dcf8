"""Commands to nodes: queued in the database, published by the ingest process."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from aggregator.errors import CommandError, UnknownNodeError
from aggregator.store import commands as store
from aggregator.store.database import Database
from contract.commands import Command
from contract.errors import ContractError

SENT_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandView:
    """A command and what became of it."""

    id: str
    node: str
    action: str
    publish: str | None
    issued_s: float
    expires_s: float
    sent_s: float | None
    """When it was handed to the broker; None while it waits."""


class CommandService:
    """The queue of commands. Safe for use by many threads."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def queue(
        self, node: str, action: str, *, publish: str | None = None, lifetime_s: float = 3600.0
    ) -> CommandView:
        """Ask ``node`` to do ``action`` (``contract.commands.COMMANDS``); ``publish`` with ``set_publish``.

        Raises ``UnknownNodeError`` or ``CommandError``.
        """
        issued_s = self._now()
        try:
            command = Command(
                id=secrets.token_hex(16),
                issued_s=issued_s,
                expires_s=issued_s + lifetime_s,
                action=action,
                publish=publish,
            )
        except ContractError as error:
            raise CommandError(str(error)) from error
        row = command.to_plain()
        del row["schema"]
        with self._database.write() as connection:
            if not store.queue(connection, node, row):
                raise UnknownNodeError(f"no node is called {node!r}")
        return CommandView(node=node, sent_s=None, **row)

    def recent(self, node: str, limit: int = 20) -> list[CommandView]:
        """The commands queued last for a node, newest first."""
        with self._database.read() as connection:
            rows = store.recent(connection, node, limit)
        return [_view(row) for row in rows]

    def waiting(self) -> list[tuple[str, Command]]:
        """Node and command of what is to be published now, the oldest first."""
        with self._database.read() as connection:
            rows = store.waiting(connection, self._now(), SENT_AT_ONCE)
        return [(row.node, _command(row)) for row in rows]

    def mark_sent(self, ids: Sequence[str]) -> None:
        """The commands have been handed to the broker."""
        with self._database.write() as connection:
            store.mark_sent(connection, ids, self._now())


def _view(row: Any) -> CommandView:
    return CommandView(**{field.name: getattr(row, field.name) for field in fields(CommandView)})


def _command(row: Any) -> Command:
    return Command(
        id=row.id,
        issued_s=row.issued_s,
        expires_s=row.expires_s,
        action=row.action,
        publish=row.publish,
    )
