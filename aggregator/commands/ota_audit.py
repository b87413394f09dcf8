"""What ``aggregator ota audit`` runs."""

import argparse
import json
import time
from contextlib import closing
from dataclasses import asdict
from typing import Final

from aggregator import bootstrap
from aggregator.commands.given import say, say_json, settings_of
from aggregator.services.audit import AuditService, EntryView, Examined

INTACT: Final = 0
BROKEN: Final = 3


def run(arguments: argparse.Namespace) -> int:
    """Print the log, or verify it."""
    chosen = settings_of(arguments)
    with closing(bootstrap.database(chosen, migrate=True)) as opened:
        log = AuditService(opened)
        if arguments.verify or arguments.head:
            return _verify(log.verify(arguments.head), as_json=arguments.json)
        entries = log.newest(max(1, arguments.limit))
    if arguments.json:
        say_json({"entries": [asdict(one) for one in entries]})
    elif not entries:
        say("nothing was done yet")
    for one in () if arguments.json else entries:
        say(_line(one))
    return INTACT


def _verify(found: Examined, *, as_json: bool) -> int:
    if as_json:
        say_json(asdict(found))
    elif found.broken_id is not None:
        say(f"entry {found.broken_id} is not what was written, or what came before it is gone")
    elif found.head_known is False:
        say("the head that was given is not in the log: its end was cut off, or it is another log")
    else:
        say(f"{found.entries} entries, and each follows the one before it")
    if not as_json:
        say(f"head: {found.head}")
    return INTACT if found.intact else BROKEN


def _line(entry: EntryView) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at_s))
    details = json.dumps(entry.details, ensure_ascii=False, sort_keys=True)
    return f"{entry.id:>6}  {moment}  {entry.who:16} {entry.action:20} {details}"
