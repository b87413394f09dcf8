"""Structured log lines on standard error: time, level, part of the program, sentence."""

import logging
import time
from typing import Final

_LEVELS: Final = ("debug", "info", "warning", "error")


class LineFormatter(logging.Formatter):
    """One line per record, whatever it holds."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as ``time=… level=… part=… message="…"``."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        words = record.getMessage()
        if record.exc_info:
            words += " | " + self.formatException(record.exc_info)
        words = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        part = record.name.removeprefix("aggregator.")
        level = record.levelname.lower()
        return f'time={moment}.{record.msecs:03.0f}Z level={level} part={part} message="{words}"'


def start(level: str = "info") -> None:
    """Write log lines from ``level`` (debug, info, warning, error) upwards."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper() if level in _LEVELS else logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
