"""What waits in memory for its commit, bounded; what does not fit is remembered as lost. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from contract.messages import DurableMessage
from contract.topics import FEATURES, GAP, Topic
from contract.wire import encode
from edge_agent.outbox.storage import Dropped, Effect, Entry

MEMORY_LIMIT_BYTES: Final = 2_000_000
"""Most that waits while the disk takes nothing."""

Build = Callable[[int], DurableMessage]
"""Makes a message from its sequence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Everything of ``boot`` up to ``through`` has arrived; the ``refused`` are of no use."""

    boot: str
    through: int
    refused: tuple[int, ...] = ()


@dataclass(slots=True)
class Work:
    """What one commit is to write."""

    entries: list[Entry] = field(default_factory=list)
    lost: list[Dropped] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)

    @property
    def last_sequence(self) -> int:
        """Highest sequence in it, 0 if there is none."""
        return max([0, *(entry.sequence for entry in self.entries), *(lost.last for lost in self.lost)])

    @property
    def size_bytes(self) -> int:
        """Bytes of its messages."""
        return sum(len(entry.content) for entry in self.entries)


class Waiting:
    """The queue in front of the disk; numbers messages 1, 2, 3 … without a hole."""

    def __init__(self, boot: str, limit_bytes: int = MEMORY_LIMIT_BYTES) -> None:
        self._boot, self._limit_bytes = boot, limit_bytes
        self._next = 1
        self._work = Work()
        self._size_bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._work.entries)

    @property
    def size_bytes(self) -> int:
        """Bytes of the messages that wait."""
        return self._size_bytes

    @property
    def has_work(self) -> bool:
        """Whether there is something to write."""
        return bool(self._work.entries or self._work.lost or self._work.acknowledged)

    def append(self, topic: Topic, build: Build, effects: tuple[Effect, ...] = ()) -> int:
        """Number a message and queue it; one that breaks the contract raises ``ContractError``, uncounted."""
        sequence = self._next
        message = build(sequence)
        content = encode(topic, message)
        self._next += 1
        self._work.entries.append(
            Entry(sequence=sequence, kind=topic.kind, wall_s=message.wall_s, content=content, effects=effects)
        )
        self._size_bytes += len(content)
        self._fit()
        return sequence

    def acknowledge(self, item: Acknowledged) -> None:
        """Queue an acknowledgement."""
        self._work.acknowledged.append(item)

    def take(self) -> Work:
        """All of it, to be written now."""
        work, self._work, self._size_bytes = self._work, Work(), 0
        return work

    def put_back(self, work: Work) -> None:
        """What could not be written waits again, before what has come since."""
        since = self._work
        self._work = Work(
            entries=work.entries + since.entries,
            lost=work.lost + since.lost,
            acknowledged=work.acknowledged + since.acknowledged,
        )
        self._size_bytes += work.size_bytes
        self._fit()

    def _fit(self) -> None:
        """Oldest windows go first, then the newest detections; gaps never, they are few."""
        while self._size_bytes > self._limit_bytes:
            index = self._least_wanted()
            if index is None:
                return
            entry = self._work.entries.pop(index)
            self._size_bytes -= len(entry.content)
            self._lose(entry)

    def _least_wanted(self) -> int | None:
        entries = self._work.entries
        for index, entry in enumerate(entries):
            if entry.kind == FEATURES.kind:
                return index
        for index in reversed(range(len(entries))):
            if entries[index].kind != GAP.kind:
                return index
        return None

    def _lose(self, entry: Entry) -> None:
        self.dropped += 1
        lost = self._work.lost
        if lost and lost[-1].last == entry.sequence - 1:
            lost[-1] = replace(lost[-1], last=entry.sequence, end_s=max(lost[-1].end_s, entry.wall_s))
            return
        lost.append(
            Dropped(
                boot=self._boot, first=entry.sequence, last=entry.sequence, reason="disk_full",
                start_s=entry.wall_s, end_s=entry.wall_s,
            )
        )  # fmt: skip
