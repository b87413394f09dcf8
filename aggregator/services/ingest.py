"""Store first, then acknowledge: batches of messages to committed rows and what nodes may be told."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from aggregator.errors import ContentRefusedError, StoreError
from aggregator.services.batch import Batch, Receipt
from aggregator.services.inbox import Accepted, Incoming, Refused, read
from aggregator.services.roster import Roster
from aggregator.store.database import Database

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a batch; it is committed."""

    receipts: tuple[Receipt, ...] = ()
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0

    def plus(self, other: "Outcome") -> "Outcome":
        """Both together, without receipts: those belong to one batch."""
        return Outcome(
            stored=self.stored + other.stored,
            duplicates=self.duplicates + other.duplicates,
            quarantined=self.quarantined + other.quarantined,
        )


class IngestService:
    """Stores what nodes send. One per database, used by one thread."""

    def __init__(self, database: Database, namespace: str, *, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._namespace = namespace
        self._now = now
        self._roster = Roster()

    def store(self, batch: Sequence[Incoming]) -> Outcome:
        """Commit ``batch`` whole. Raises ``StoreError`` if the database is away or full: then nothing of it
        is stored and the same batch may be given again. No content of a message makes it raise."""
        messages = [read(self._namespace, incoming) for incoming in batch]
        try:
            return self._commit(messages)
        except ContentRefusedError:
            return _joined([self._commit_alone(message) for message in messages])

    def _commit_alone(self, message: Accepted | Refused) -> Outcome:
        try:
            return self._commit([message])
        except ContentRefusedError as error:
            refused = Refused(
                incoming=message.incoming,
                reason=f"the database refused it: {error}",
                node=message.node,
                boot=getattr(getattr(message, "record", message), "boot", None),
                sequence=getattr(getattr(message, "record", message), "sequence", None),
            )
            return self._commit([refused])

    def _commit(self, messages: Sequence[Accepted | Refused]) -> Outcome:
        self._roster.trim()
        try:
            with self._database.write() as connection:
                batch = Batch(connection, self._roster, self._now())
                receipts = batch.write(messages)
        except StoreError:
            self._roster.forget()
            raise
        except Exception as error:  # a fault of ours: it must not stop the messages that it does not concern
            self._roster.forget()
            _log.exception("a batch cannot be stored")
            raise ContentRefusedError(f"internal: {type(error).__name__}: {error}") from error
        return Outcome(
            receipts=tuple(receipts),
            stored=batch.stored,
            duplicates=batch.duplicates,
            quarantined=batch.quarantined,
        )


def _joined(outcomes: Sequence[Outcome]) -> Outcome:
    total = reduce(Outcome.plus, outcomes, Outcome())
    return replace(total, receipts=tuple(receipt for outcome in outcomes for receipt in outcome.receipts))
