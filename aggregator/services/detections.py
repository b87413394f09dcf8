"""What was heard: pages of detections, one in full, exports."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionFilter:
    """Which detections; None means any."""

    node: str | None = None
    label: str | None = None
    since_s: float | None = None
    """Begun at or after, seconds since 1970."""
    until_s: float | None = None
    """Begun before."""
    min_posterior: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionView:
    """One detection, as lists show it."""

    id: int
    node: str
    label: str
    posterior: float
    threshold: float
    start_s: float
    """Seconds since 1970; by the node's clock, or corrected where that could not be right."""
    end_s: float
    level_dbfs: float
    model: str
    boot: str
    sequence: int
    stored_s: float
    """By the aggregator's clock."""
    clock_trusted: bool
    """False if the node's clock could not be right and the times are the aggregator's estimate."""
    window_id: int | None
    """The window of features around it, once that has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Detections, newest first, and the cursors of the pages beside them (None: there is none)."""

    items: tuple[DetectionView, ...]
    older: str | None
    newer: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowView:
    """A stored stretch of features. Frames of different ``frontend_digest`` are never mixed."""

    id: int
    node: str
    model: str
    frontend_digest: str
    reason: str
    detection_id: int | None
    start_s: float
    hop_ms: int
    step_ms: int
    labels: tuple[str, ...]
    features: NDArray[np.int8]
    """(frames, mel bins); see ``contract.audio`` for the decibels."""
    posteriors: NDArray[np.float32]
    """(steps, labels), 0 to 1; may have no step."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetectionDetail:
    """A detection in full."""

    detection: DetectionView
    window: WindowView | None
    """None if the features have not come (yet)."""
    older_id: int | None
    """The detection before it in time, on any node."""
    newer_id: int | None


class DetectionService:
    """Answers questions about detections. Safe for use by many threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, wanted: DetectionFilter, cursor: str | None = None, limit: int = 50) -> Page:
        """A page of at most ``limit`` (1 to 500) detections, newest first.

        ``cursor`` is a page's ``older`` or ``newer``; without it the newest page. Raises ``CursorError``
        for any other text.
        """
        raise NotImplementedError

    def detection(self, detection_id: int) -> DetectionDetail | None:
        """One detection with its window, or None if there is none of that id."""
        raise NotImplementedError

    def window(self, window_id: int) -> WindowView | None:
        """A window by its id."""
        raise NotImplementedError

    def newest(self, limit: int = 20, *, node: str | None = None) -> list[DetectionView]:
        """The detections stored last, newest first."""
        raise NotImplementedError

    def export(self, wanted: DetectionFilter) -> Iterator[DetectionView]:
        """Every detection of the filter, newest first, read in slices: memory stays bounded."""
        raise NotImplementedError

    def labels(self) -> list[str]:
        """Every label that was ever detected, sorted."""
        raise NotImplementedError
