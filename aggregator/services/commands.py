"""Commands to nodes: queued in the database, published by the ingest process."""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aggregator.errors import CommandError, UnknownNodeError
from aggregator.store import commands as store
from aggregator.store.database import Database
from contract.commands import Command
from contract.errors import ContractError
from contract.sampling import Sampling

SENT_AT_ONCE: Final = 100
_COLUMNS: Final = ("id", "issued_s", "expires_s", "action", "publish", "sampling")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandView:
    """A command and what became of it."""

    id: str
    node: str
    action: str
    publish: str | None
    sampling: Sampling | None
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
        self,
        node: str,
        action: str,
        *,
        publish: str | None = None,
        sampling: Sampling | None = None,
        lifetime_s: float = 3600.0,
    ) -> CommandView:
        """Ask ``node`` to do ``action`` (``contract.commands.COMMANDS``); ``publish`` with ``set_publish``,
        ``sampling`` with ``set_sampling``.

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
                sampling=sampling,
            )
        except ContractError as error:
            raise CommandError(str(error)) from error
        with self._database.write() as connection:
            if not store.queue(connection, node, _row(command)):
                raise UnknownNodeError(f"no node is called {node!r}")
        told = {name: getattr(command, name) for name in _COLUMNS}
        return CommandView(node=node, sent_s=None, **told)

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


def _row(command: Command) -> dict[str, Any]:
    row = {name: getattr(command, name) for name in _COLUMNS}
    return row | {"sampling": command.sampling and json.dumps(command.sampling.to_plain())}


def _view(row: Any) -> CommandView:
    told = {name: getattr(row, name) for name in _COLUMNS}
    return CommandView(node=row.node, sent_s=row.sent_s, **(told | {"sampling": _sampling(row)}))


def _command(row: Any) -> Command:
    return Command(**({name: getattr(row, name) for name in _COLUMNS} | {"sampling": _sampling(row)}))


def _sampling(row: Any) -> Sampling | None:
    return None if row.sampling is None else Sampling.from_plain(json.loads(row.sampling))
