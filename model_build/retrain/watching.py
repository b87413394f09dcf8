"""How far a retraining is, for people and for programs that watch it."""

import json
import time
from typing import Any, TextIO

from model_build.console import Console


class ConsoleWatcher:
    """Bars and lines on standard error."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def progress(self, what: str, done: int, total: int) -> None:
        """``done`` of ``total`` of ``what`` is done."""
        self._console.progress(what, done, total)

    def epoch(self, number: int, epochs: int, loss: float, accuracy: float) -> None:
        """An epoch is done; the accuracy is that on validation."""
        self._console.progress(f"training (loss {loss:.3f}, {accuracy:.1%} right)", number, epochs)


class JsonWatcher:
    """One JSON object a line; what is not known yet is null."""

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._started_s: float | None = None
        self._first = 0

    def progress(self, what: str, done: int, total: int) -> None:
        """``done`` of ``total`` of ``what`` is done."""
        self._write(what=what, done=done, total=total)

    def epoch(self, number: int, epochs: int, loss: float, accuracy: float) -> None:
        """An epoch is done; from the second on it is known how long one takes."""
        now_s = time.monotonic()
        remaining_s = None
        if self._started_s is None:
            self._started_s, self._first = now_s, number
        else:
            pace_s = (now_s - self._started_s) / (number - self._first)
            remaining_s = round(pace_s * (epochs - number), 1)
        self._write(
            what="training",
            done=number,
            total=epochs,
            epoch=number,
            epochs=epochs,
            loss=round(loss, 5),
            validation_accuracy=round(accuracy, 5),
            remaining_s=remaining_s,
        )

    def _write(self, **known: Any) -> None:
        names = ("what", "done", "total", "epoch", "epochs", "loss", "validation_accuracy", "remaining_s")
        self._target.write(json.dumps({name: known.get(name) for name in names}) + "\n")
        self._target.flush()
