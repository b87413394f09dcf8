"""``edge-agent outbox``: what waits, per run of the agent. Reads only; the agent may be running."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from edge_agent.errors import OutboxError
from edge_agent.outbox.storage import connect, read_boots, read_counts


def count(path: Path) -> dict[str, Any]:
    """Rows, bytes and boots in the file at ``path``; ``OutboxError`` if it cannot be read."""
    if not path.exists():
        raise OutboxError(f"{path}: there is no outbox here yet")
    try:
        with closing(connect(path, read_only=True)) as connection:
            rows, undeclared = read_counts(connection)
            records = read_boots(connection)
    except sqlite3.Error as error:
        raise OutboxError(f"{path}: {error}") from error
    boots = [
        {
            "boot": record.boot,
            "started_s": record.started_s,
            "alive_s": record.alive_s,
            "last_sequence": record.last_sequence,
            "rows": rows.get(record.boot, (0, 0))[0],
            "undeclared": [list(span) for span in undeclared.get(record.boot, [])],
            "clean": record.clean,
        }
        for record in records
    ]
    return {
        "file": str(path),
        "rows": sum(number for number, _ in rows.values()),
        "bytes": sum(size for _, size in rows.values()),
        "boots": boots,
    }


def show(path: Path, *, as_json: bool) -> int:
    """Print it; the exit code."""
    counted = count(path)
    if as_json:
        print(json.dumps(counted))  # noqa: T201
        return 0
    print(f"{counted['file']}: {counted['rows']} messages wait, {counted['bytes']} bytes")  # noqa: T201
    for boot in counted["boots"]:
        end = "stopped in good order" if boot["clean"] else "running, or was interrupted"
        print(f"  {boot['boot']}: {boot['last_sequence']} made, {boot['rows']} wait, {end}")  # noqa: T201
    return 0


def show_problem(path: Path) -> str:
    """Why an outbox cannot be kept at ``path``; empty if it can."""
    existing = next(folder for folder in (path.parent, *path.absolute().parent.parents) if folder.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"{existing}: not writable"
    if not path.exists():
        return ""
    try:
        count(path)
    except OutboxError as error:
        return str(error)
    return ""
