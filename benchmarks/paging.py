"""Whether a page of detections stays fast at a million rows, however deep.

    python -m benchmarks.paging [--rows 1000000] [--url postgresql://…]

Prints, per filter, the time of the first page and of a page from the middle and the end of the table, each
the fastest of many: whatever else runs on the machine only makes one slower. Trust the ratios; the
milliseconds belong to the machine.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from aggregator.services.detections import DetectionFilter, DetectionService, write_cursor
from aggregator.services.fleet import FleetService
from aggregator.services.statistics import StatisticsService
from aggregator.store import schema
from aggregator.store.database import Database
from aggregator.store.tables import boots, detections, labels, models, nodes

NODES, LABELS = 50, 40
BEGIN_S, STEP_S = 1_700_000_000.0, 3.0
SLICE = 20_000
REPEATS = 25


def fill(database: Database, count: int) -> None:
    dice = random.Random(1)
    with database.write() as connection:
        ids = range(1, NODES + 1)
        connection.execute(
            nodes.insert(), [{"id": i, "name": f"node-{i}", "revision": i, "online": True} for i in ids]
        )
        connection.execute(
            boots.insert(),
            [
                {"id": i, "node_id": i, "boot": f"{i:016x}", "first_heard_s": 0, "last_heard_s": 0,
                 "superseded": False, "through": 0, "received": 0, "duplicates": 0, "missing": 0}
                for i in ids
            ],
        )  # fmt: skip
        connection.execute(labels.insert(), [{"id": i, "name": f"label-{i}"} for i in range(1, LABELS + 1)])
        connection.execute(models.insert(), [{"id": 1, "name": "m@1", "frontend_digest": "0" * 64}])
        for begin in range(0, count, SLICE):
            rows = [row(dice, number) for number in range(begin, min(begin + SLICE, count))]
            connection.execute(detections.insert(), rows)


def row(dice: random.Random, number: int) -> dict[str, object]:
    node = dice.randint(1, NODES)
    start_s = BEGIN_S + number * STEP_S + dice.uniform(0, 60)
    return {
        "node_id": node, "boot_id": node, "sequence": number, "label_id": dice.randint(1, LABELS),
        "model_id": 1, "posterior": dice.uniform(0.5, 1), "threshold": 0.5,
        "start_s": start_s, "end_s": start_s + 1, "clock_trusted": True, "level_dbfs": -30.0,
        "stored_s": start_s + 1.1,
    }  # fmt: skip


def fastest_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return round(1000 * min(times), 2)


class Place:
    """A place in time to go on from."""

    def __init__(self, start_s: float) -> None:
        self.start_s, self.id = start_s, 0


def measure(service: DetectionService, wanted: DetectionFilter, count: int) -> dict[str, float]:
    span_s = count * STEP_S
    first = fastest_ms(lambda: service.page(wanted))
    figures = {"first_page_ms": first}
    for name, share in (("middle", 0.5), ("end", 0.001)):
        cursor = write_cursor("o", Place(BEGIN_S + share * span_s))
        deep = fastest_ms(lambda cursor=cursor: service.page(wanted, cursor))  # type: ignore[misc]
        figures |= {f"{name}_page_ms": deep, f"{name}_ratio": round(deep / first, 2)}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--url", default="", help="an empty database; default: SQLite in a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(arguments.url or f"sqlite:///{Path(folder) / 'paging.db'}")
        schema.migrate(database)
        fill(database, arguments.rows)
        service = DetectionService(database)
        wanted = {
            "all": DetectionFilter(),
            "one node": DetectionFilter(node="node-7"),
            "one label": DetectionFilter(label="label-7"),
            "one node and label": DetectionFilter(node="node-7", label="label-7"),
            "posterior over 0.95": DetectionFilter(min_posterior=0.95),
        }
        figures = {name: measure(service, filter_, arguments.rows) for name, filter_ in wanted.items()}
        begin_s, end_s = BEGIN_S, BEGIN_S + arguments.rows * STEP_S
        fleet = FleetService(database)
        whole = {
            "a node's chart of everything_ms": fastest_ms(
                lambda: fleet.detection_counts("node-7", begin_s, end_s)
            ),
            "the fleet's chart of everything_ms": fastest_ms(
                lambda: fleet.detection_counts(None, begin_s, end_s)
            ),
            "all nodes_ms": fastest_ms(fleet.nodes),
            "statistics_ms": fastest_ms(StatisticsService(database).summary),
        }
        database.close()
    print(json.dumps({"rows": arguments.rows, "pages": figures, "whole": whole}, indent=1))


if __name__ == "__main__":
    main()
