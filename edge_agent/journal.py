"""Structured log lines on standard error: key=value pairs for people, or JSON objects for machines."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

_PLAIN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def start_journal(level: str, form: str) -> None:
    """Log from now on, at this level, as ``text`` or ``json``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else Pairs())
    root = logging.getLogger("edge_agent")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, event, and what belongs to it."""
        return json.dumps(_fields(record), ensure_ascii=False, default=str)


class Pairs(logging.Formatter):
    """``time level event key=value …``."""

    def format(self, record: logging.LogRecord) -> str:
        """Values with blanks are quoted."""
        fields = _fields(record)
        time, level, event = fields.pop("time"), fields.pop("level"), fields.pop("event")
        pairs = "".join(f" {key}={_quote(value)}" for key, value in fields.items())
        return f"{time} {level} {event}{pairs}"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    moment = datetime.fromtimestamp(record.created, UTC)
    fields: dict[str, Any] = {
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "event": record.getMessage(),
    }
    fields.update({key: value for key, value in vars(record).items() if key not in _PLAIN})
    if record.exc_info:
        fields["exception"] = logging.Formatter().formatException(record.exc_info)
    return fields


def _quote(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if any(sign in text for sign in ' "=\n') or not text else text
