"""The durable queue between listening and sending."""

from edge_agent.outbox.counting import count, show, show_problem
from edge_agent.outbox.declarations import gap
from edge_agent.outbox.outbox import Counters, Outbox
from edge_agent.outbox.reading import Reader
from edge_agent.outbox.sole import in_use, sole
from edge_agent.outbox.storage import Row
from edge_agent.outbox.waiting import Build

__all__ = [
    "Build",
    "Counters",
    "Outbox",
    "Reader",
    "Row",
    "count",
    "gap",
    "in_use",
    "show",
    "show_problem",
    "sole",
]
