"""The same files in pieces through the broker, where no HTTP reaches the aggregator."""

import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from contract.errors import ContractError
from contract.updates import PIECE_BYTES, Fetch, Piece
from edge_agent.update.source import Answer, FetchError, Stream

TIMEOUT_S: Final = 30.0
_RETRY_S: Final = 30.0
_STATUS: Final = {403: "not for this node", 404: "not there", 429: "too much at once"}

Ask: TypeAlias = Callable[[Fetch, float], Piece]


class Pieces:
    """A ``Source``: each piece is asked for and answered by its id."""

    def __init__(self, ask: Ask, *, piece_bytes: int = PIECE_BYTES, timeout_s: float = TIMEOUT_S) -> None:
        self._ask, self._piece_bytes, self._timeout_s = ask, piece_bytes, timeout_s

    def read(self, path: str, limit_bytes: int, stop: threading.Event) -> bytes:
        """A small file whole; ``FetchError``, also if it is longer than the limit."""
        stream = self.stream(path, 0, "", stop)
        content = b""
        if (stream.total_bytes or 0) <= limit_bytes:
            for chunk in stream.chunks:
                content += chunk
                if len(content) > limit_bytes:
                    break
            else:
                return content
        raise FetchError(f"{path}: longer than {limit_bytes} bytes")

    def stream(self, path: str, offset: int, tag: str, stop: threading.Event) -> Stream:
        """A file from the offset on, if it still has this tag, here its size; else from its begin."""
        first = self._piece(path, offset)
        if tag and tag != str(first.total):
            offset, first = 0, self._piece(path, 0)
        return Stream(
            offset=offset, tag=str(first.total), total_bytes=first.total,
            chunks=self._chunks(path, offset, first, stop),
        )  # fmt: skip

    def desired(self, tag: str, stop: threading.Event) -> Answer:  # noqa: ARG002
        """Nothing: the broker keeps it for this node, as a retained message."""
        return Answer(desired=None, tag=tag)

    def _chunks(self, path: str, offset: int, piece: Piece, stop: threading.Event) -> Iterator[bytes]:
        total = piece.total
        while piece.content:
            yield piece.content
            offset += len(piece.content)
            if offset >= total:
                return
            if stop.is_set():
                raise FetchError(f"{path}: interrupted")
            piece = self._piece(path, offset)
            if piece.total != total:
                raise FetchError(f"{path}: became another file")
        if offset < total:
            raise FetchError(f"{path}: an empty piece came")

    def _piece(self, path: str, offset: int) -> Piece:
        try:
            wanted = Fetch(id=secrets.token_hex(8), path=path, offset=offset, length=self._piece_bytes)
            piece = self._ask(wanted, self._timeout_s)
        except TimeoutError as error:
            raise FetchError(f"{path}: no answer through the broker in time") from error
        except ContractError as error:
            raise FetchError(f"{path}: {error}") from error
        if piece.id != wanted.id or len(piece.content) > self._piece_bytes:
            raise FetchError(f"{path}: an answer came to what was not asked")
        if piece.status not in (200, 206):
            says = _STATUS.get(piece.status, f"status {piece.status}")
            retry_s = _RETRY_S if piece.status == 429 else 0.0
            raise FetchError(f"{path}: {says}", status=piece.status, retry_s=retry_s)
        return piece
