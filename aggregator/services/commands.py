"""Commands to nodes: queued in the database, published by the ingest process."""

from dataclasses import dataclass

from sqlalchemy import Engine


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


class CommandService:
    """The queue of commands. Safe for use by many threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def queue(
        self, node: str, action: str, *, publish: str | None = None, lifetime_s: float = 3600.0
    ) -> CommandView:
        """Ask ``node`` to do ``action`` (``contract.commands.COMMANDS``); ``publish`` with ``set_publish``.

        Raises ``UnknownNodeError`` or ``CommandError``.
        """
        raise NotImplementedError

    def recent(self, node: str, limit: int = 20) -> list[CommandView]:
        """The commands queued last for a node, newest first."""
        raise NotImplementedError
