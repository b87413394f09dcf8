"""What can be set (``values``), and where from (``loading``).

Every key stands in a section. ``[broker] port`` is ``SOUNDPOST_AGGREGATOR_BROKER_PORT`` in the environment
and ``--broker-port`` on the command line. A key that nobody knows is refused: it is a misspelt one.
"""

from aggregator.settings.loading import Key, as_environment, every_key, load
from aggregator.settings.values import (
    Broker,
    Drift,
    Fleet,
    Gate,
    Ingest,
    Ota,
    Retention,
    Settings,
    Store,
    Training,
    Web,
)

__all__ = [
    "Broker",
    "Drift",
    "Fleet",
    "Gate",
    "Ingest",
    "Key",
    "Ota",
    "Retention",
    "Settings",
    "Store",
    "Training",
    "Web",
    "as_environment",
    "every_key",
    "load",
]
