"""Questions to the aggregator whose answers come as messages of their own, each known by its id."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from contract.updates import Piece


class Answer:
    """Of one question."""

    def __init__(self) -> None:
        self._came = threading.Event()
        self._piece: Piece | None = None

    def give(self, piece: Piece) -> None:
        """It has come."""
        self._piece = piece
        self._came.set()

    def wait(self, timeout_s: float) -> Piece:
        """It; ``TimeoutError`` if it does not come."""
        self._came.wait(timeout_s)
        if self._piece is None:
            raise TimeoutError
        return self._piece


class Questions:
    """Asked in one thread, answered in another."""

    def __init__(self) -> None:
        self._open: dict[str, Answer] = {}

    @contextmanager
    def asked(self, question: str) -> Iterator[Answer]:
        """The answer to come; answers that come later, or twice, are not looked at."""
        answer = self._open[question] = Answer()
        try:
            yield answer
        finally:
            self._open.pop(question, None)

    def answer(self, piece: Piece) -> None:
        """An answer has come."""
        answer = self._open.get(piece.id)
        if answer is not None:
            answer.give(piece)
