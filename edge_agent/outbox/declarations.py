"""Gap messages: what was given up, and how earlier runs ended."""

import itertools
import time
from collections.abc import Iterable, Iterator
from typing import Final

from contract.messages import Gap
from edge_agent.outbox.ranges import Range, merge
from edge_agent.outbox.storage import BootRecord, Dropped, Effect, closed, settled
from edge_agent.outbox.waiting import Build

RANGES_PER_GAP: Final = 1000
"""So that a gap stays below the largest message, whatever its sequences."""


def gap(
    boot: str, reason: str, start_s: float, end_s: float, *, of_boot: str = "", ranges: Iterable[Range] = ()
) -> Build:
    """How to make a gap message of ``boot`` about itself, or about ``of_boot``.

    A clock that was set back between begin and end gives a gap of no length, not an error.
    """
    fixed = tuple(ranges)

    def build(sequence: int) -> Gap:
        return Gap(
            boot=boot, wall_s=max(0.0, time.time()), monotonic_s=time.monotonic(), sequence=sequence,
            reason=reason, gap_boot=of_boot or boot, ranges=fixed,
            start_s=max(0.0, min(start_s, end_s)), end_s=max(0.0, end_s),
        )  # fmt: skip

    return build


def restarts(boot: str, records: Iterable[BootRecord]) -> Iterator[tuple[Build, tuple[Effect, ...]]]:
    """A gap behind each earlier run that did not end in good order."""
    for record in records:
        if not record.clean and record.boot != boot:
            build = gap(boot, "restart", record.alive_s, time.time(), of_boot=record.boot)
            yield build, (closed(record.boot),)


def given_up(boot: str, dropped: Iterable[Dropped]) -> Iterator[tuple[Build, tuple[Effect, ...]]]:
    """Gaps that declare ``dropped``, which is sorted by boot and reason."""
    for (of_boot, reason), group in itertools.groupby(dropped, key=lambda item: (item.boot, item.reason)):
        items = list(group)
        build = gap(
            boot, reason, min(item.start_s for item in items), max(item.end_s for item in items),
            of_boot=of_boot, ranges=merge((item.first, item.last) for item in items),
        )  # fmt: skip
        yield build, tuple(settled(item) for item in items)
