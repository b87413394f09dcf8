"""What nodes heard, made into sound again from the frames that are stored. Whoever listens is recorded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.domain.timeline import Piece, Stretch, line_up
from aggregator.errors import SoundError, UnknownWindowError
from aggregator.services.audit import Audit
from aggregator.store import detections as detection_store
from aggregator.store import fleet
from aggregator.store import sound as store
from aggregator.store.database import Database
from contract.audio import HOP_MS, HOP_SAMPLES, MEL_BINS
from contract.codec.reconstruction import Reconstruction

LONGEST_SPAN_S: Final = 24 * 3600.0
_SLICE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sound:
    """Something that a node heard."""

    node: str
    label: str | None
    """What was detected in it, if that was one thing."""
    start_s: float
    """When its first sample was heard, seconds since 1970."""
    source: str
    """Where it comes from, in words: ``window 17``."""
    model: str
    pieces: Iterable[NDArray[np.int16]]
    """The samples, made while they are read: once."""


class SoundService:
    """Makes sound. Safe for use by many threads."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def window(self, window_id: int, who: str) -> Sound:
        """All of a window; ``UnknownWindowError`` if there is none of that number."""
        with self._database.read() as connection:
            row = store.window(connection, window_id)
        if row is None:
            raise UnknownWindowError(f"there is no window {window_id}")
        return self._sound(row, (), row.start_s, row.end_s, who, f"window {row.id}")

    def detection(self, detection_id: int, who: str) -> Sound:
        """The window of a detection; ``UnknownWindowError`` if that has not come."""
        with self._database.read() as connection:
            heard = detection_store.by_id(connection, detection_id)
            row = heard and heard.window_id and store.window(connection, heard.window_id)
        if not heard or not row:
            raise UnknownWindowError(f"detection {detection_id} has no window that could be heard")
        source = f"detection {detection_id}, window {row.id}"
        return self._sound(row, (), row.start_s, row.end_s, who, source, label=heard.label)

    def span(
        self, node: str, since_s: float, until_s: float, who: str, *, longest_s: float = LONGEST_SPAN_S
    ) -> Sound:
        """Everything that is stored of ``node`` from ``since_s`` to before ``until_s``; between, silence.

        It begins with the first stored frame. ``SoundError`` if there is none, or if the span is longer than
        ``longest_s``.
        """
        if not 0 < until_s - since_s <= longest_s:
            raise SoundError(f"a span must be longer than nothing and at most {longest_s:.0f} s")
        rows = self._rows(node, since_s, until_s)
        first = next(rows, None)
        if first is None:
            raise SoundError(f"nothing of this span is stored of {node!r}")
        since_s = max(since_s, first.start_s)
        return self._sound(first, rows, since_s, until_s, who, f"everything until {until_s!r}")

    def _rows(self, node: str, since_s: float, until_s: float) -> Iterator[Any]:
        with self._database.read() as connection:
            node_id = fleet.node_id(connection, node)
        after: detection_store.Key | None = None
        while True:
            with self._database.read() as connection:
                rows = store.between(connection, node_id, since_s, until_s, after, _SLICE)
            yield from rows
            if len(rows) < _SLICE:
                return
            after = (rows[-1].start_s, rows[-1].id)

    def _sound(
        self,
        first: Any,
        others: Iterable[Any],
        since_s: float,
        until_s: float,
        who: str,
        source: str,
        *,
        label: str | None = None,
    ) -> Sound:
        self._audit.record(who, "listen", {"node": first.node, "what": source, "since_s": since_s})
        stretches = map(_stretch, chain([first], others))
        return Sound(
            node=first.node,
            label=label or first.label,
            start_s=since_s,
            source=source,
            model=first.model,
            pieces=_samples(line_up(stretches, since_s, until_s)),
        )


def _stretch(row: Any) -> Stretch:
    if (row.hop_ms, row.mel_bins) != (HOP_MS, MEL_BINS):
        raise SoundError(f"window {row.id} has frames of another shape: no sound can be made of them")
    frames = np.frombuffer(row.frames, np.int8).reshape(-1, MEL_BINS)
    return Stretch(start_s=row.start_s, frontend_digest=row.frontend_digest, frames=frames)


def _samples(pieces: Iterable[Piece]) -> Iterator[NDArray[np.int16]]:
    stream = Reconstruction()
    for piece in pieces:
        if piece.begins:
            yield stream.finish()
            yield np.zeros(piece.silent_frames * HOP_SAMPLES, np.int16)
            stream = Reconstruction()
        yield stream.push(piece.frames)
    yield stream.finish()
