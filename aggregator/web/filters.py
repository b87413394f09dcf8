"""Reads a filter of detections from an address, and writes it back. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from werkzeug.exceptions import BadRequest

from aggregator.services.detections import DetectionFilter

_FARTHEST_OFFSET_MIN = 24 * 60
_PAGE = 50
_LARGEST_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDetections:
    """A filter as it was asked for; the texts go back into the form."""

    filter: DetectionFilter
    texts: Mapping[str, str]
    """Only what was filled in."""

    @property
    def query(self) -> str:
        """The filter as the query part of an address."""
        return urlencode(self.texts)

    def with_cursor(self, cursor: str) -> str:
        """The query part of another page of the same filter."""
        return urlencode({**self.texts, "cursor": cursor})


def read_filter(arguments: Mapping[str, str]) -> WantedDetections:
    """The filter of ``node``, ``label``, ``since``, ``until``, ``offset_min`` and ``min_posterior``.

    ``since`` and ``until`` are seconds since 1970, or local times as a form sends them, ``offset_min``
    minutes east of Greenwich. ``BadRequest`` says what cannot be read.
    """
    names = ("node", "label", "since", "until", "offset_min", "min_posterior")
    texts = {name: text for name in names if (text := arguments.get(name, "").strip())}
    offset = timedelta(minutes=_number(texts, "offset_min", -_FARTHEST_OFFSET_MIN, _FARTHEST_OFFSET_MIN) or 0)
    wanted = DetectionFilter(
        node=texts.get("node"),
        label=texts.get("label"),
        since_s=_time(texts, "since", offset),
        until_s=_time(texts, "until", offset),
        min_posterior=_number(texts, "min_posterior", 0, 1),
    )
    return WantedDetections(filter=wanted, texts=texts)


def _number(texts: Mapping[str, str], name: str, low: float, high: float) -> float | None:
    if name not in texts:
        return None
    try:
        value = float(texts[name])
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise BadRequest(f"{name} must be a number from {low:g} to {high:g}.")
    return value


def read_time(text: str, name: str, offset: timedelta = timedelta()) -> float:
    """Seconds since 1970 of a time as people write it; ``BadRequest`` names the field ``name``.

    >>> read_time("1970-01-01T00:01", "since")
    60.0
    """
    try:
        return float(text) if _is_number(text) else _moment(text, offset).timestamp()
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{name} must be a time such as 2026-05-01T18:30, or seconds since 1970.") from error


def _time(texts: Mapping[str, str], name: str, offset: timedelta) -> float | None:
    text = texts.get(name)
    return None if text is None else read_time(text, name, offset)


def _moment(text: str, offset: timedelta) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC) - offset


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def read_limit(arguments: Mapping[str, str]) -> int:
    """How many rows an answer of the API may have; ``BadRequest`` says what would do.

    >>> read_limit({}), read_limit({"limit": "7"})
    (50, 7)
    """
    try:
        limit = int(arguments.get("limit", _PAGE))
    except ValueError:
        limit = 0
    if not 1 <= limit <= _LARGEST_PAGE:
        raise BadRequest(f"limit must be a whole number from 1 to {_LARGEST_PAGE}.")
    return limit
