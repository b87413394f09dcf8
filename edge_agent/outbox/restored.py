"""What an aggregator asks for again after it was restored from a backup, and what no longer exists."""

import time
from collections.abc import Iterator, Mapping

from contract.messages import Gap
from contract.topics import GAP
from contract.wire import decode_as
from edge_agent.outbox.declarations import gap
from edge_agent.outbox.ranges import Range, without
from edge_agent.outbox.storage import Storage
from edge_agent.outbox.waiting import Build


def forgotten(boot: str, storage: Storage, heard: Mapping[str, int]) -> Iterator[Build]:
    """Gaps, made by ``boot``, that declare what is wanted but was acknowledged once and deleted.

    ``heard`` says per boot up to where it was acknowledged, as an answer to rows that were sent since. What
    lies between that and the lowest row kept, and is neither given up nor declared in a gap that waits, can
    only have been acknowledged before.
    """
    kept = storage.unacknowledged()
    behind = {
        of_boot: through for of_boot, through in heard.items() if through + 1 < kept.get(of_boot, (0, 0))[0]
    }
    if not behind:
        return
    known = _accounted(storage)
    records = {record.boot: record for record in storage.boots()}
    for of_boot, through in behind.items():
        missing = without((through + 1, kept[of_boot][0] - 1), known.get(of_boot, []))
        if missing and (record := records.get(of_boot)) is not None:
            end_s = min(record.alive_s, time.time())
            yield gap(boot, "storage_damaged", record.started_s, end_s, of_boot=of_boot, ranges=missing)


def _accounted(storage: Storage) -> dict[str, list[Range]]:
    """Per boot: what is given up and will be declared, and what is declared in gaps that wait."""
    known: dict[str, list[Range]] = {}
    for dropped in storage.dropped():
        known.setdefault(dropped.boot, []).append((dropped.first, dropped.last))
    for content in storage.gaps():
        declared = decode_as(Gap, GAP, content)
        known.setdefault(declared.gap_boot, []).extend((first, last) for first, last in declared.ranges)
    return known
