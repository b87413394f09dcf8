"""Which shadow was begun and whether it came to its end, kept on the disk: one that ends the agent is not
begun for ever."""

from dataclasses import dataclass
from pathlib import Path

from contract.updates import Desired
from edge_agent.agent import kept


@dataclass(frozen=True, slots=True)
class ShadowRecord:
    """Of one attempt at one bundle."""

    digest: str
    attempt: int
    starts: int = 0
    """That have not ended well."""
    done: bool = False


class ShadowRecords:
    """The latest one. ``OSError`` if the disk takes nothing."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "shadow.json"

    def of(self, desired: Desired) -> ShadowRecord:
        """What is known of this attempt."""
        fresh = ShadowRecord(desired.release or "", desired.attempt)
        try:
            plain = kept.read(self._path) or {}
        except (OSError, ValueError):
            return fresh
        known = (plain.get("digest"), plain.get("attempt")) == (fresh.digest, fresh.attempt)
        starts = plain.get("starts")
        if not known or not isinstance(starts, int):
            return fresh
        return ShadowRecord(fresh.digest, fresh.attempt, starts, plain.get("done") is True)

    def write(self, record: ShadowRecord) -> None:
        """Keep it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        kept.write(
            self._path,
            {"digest": record.digest, "attempt": record.attempt, "starts": record.starts,
             "done": record.done},
        )  # fmt: skip
