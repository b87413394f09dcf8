"""What ``aggregator drift`` runs."""

import argparse
from contextlib import closing
from dataclasses import asdict
from typing import Final

from aggregator import bootstrap
from aggregator.commands.given import say, say_json, settings_of
from aggregator.services.drift import DriftService
from aggregator.services.drift_index import DriftIndex
from aggregator.services.drift_views import DriftView

CALM: Final = 0
ALERT: Final = 3


def run(arguments: argparse.Namespace) -> int:
    """Say what drifted; 3 if an alert is open."""
    chosen = settings_of(arguments)
    with closing(bootstrap.database(chosen, migrate=True)) as opened:
        if arguments.now:
            DriftIndex(opened, bootstrap.drift_limits(chosen)).finish()
        service = DriftService(opened)
        nodes, alerts = service.nodes(), service.open_alerts()
    if arguments.json:
        say_json({"nodes": [asdict(one) for one in nodes], "alerts": [asdict(one) for one in alerts]})
        return ALERT if alerts else CALM
    for one in alerts:
        say(f"{one.node}: {one.sentence}")
    for node in nodes:
        _tell(node)
    return ALERT if alerts else CALM


def _tell(node: DriftView) -> None:
    if node.made_s is None:
        say(f"{node.node}: not looked at yet; --now does so")
        return
    levels = [
        f"{words} {one.low_dbfs:.0f} to {one.high_dbfs:.0f} dBFS"
        for words, one in (("now", node.level), ("usually", node.usual_level))
        if one is not None
    ]
    say(f"{node.node}: {', '.join(levels) or 'no levels'}")
    for label in node.labels:
        say(f"  {label.label:24} {label.per_hour:8.3g} an hour, usually {label.usual_per_hour:.3g}")
