"""What people write about recordings: ``labels.csv``, and label tracks of Audacity. Any bytes may come in."""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from model_build.errors import DatasetError

_REQUIRED = ("file", "label")
_GROUPS = ("speaker", "source", "group")
COLUMNS = (*_REQUIRED, "start_s", "end_s", "split", *_GROUPS)
_SPLITS = {
    "": "",
    "training": "training",
    "train": "training",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "testing": "testing",
    "test": "testing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A labelled part of a file; the whole file if it has neither start nor end."""

    label: str
    start_s: float | None = None
    end_s: float | None = None
    split: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFile:
    """What a label file says."""

    regions: dict[str, list[Region]] = field(default_factory=dict)
    """Of each file that is named, as it is named there; an Audacity file is about the empty name."""
    bad_rows: tuple[str, ...] = ()
    """One phrase for each row that was left out: its number and the reason."""
    unknown_columns: tuple[str, ...] = ()


def read_table(content: bytes) -> LabelFile:
    """``labels.csv``: columns file and label, and if wanted start_s, end_s, split, and speaker or source.

    Commas, semicolons or tabs; ``DatasetError`` if it is no such table at all.

    >>> read_table(b"file,label,start_s,end_s\\na.wav,dog,1.5,2\\n").regions["a.wav"]
    [Region(label='dog', start_s=1.5, end_s=2.0, split='', group='')]
    """
    text = _decoded(content)
    first_line = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise DatasetError(f"is no table: {error}") from error
    columns = [name.strip().lower() for name in rows[0]] if rows else []
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        raise DatasetError(f"has no column {' and no column '.join(missing)} in its first line")
    regions: dict[str, list[Region]] = {}
    bad: list[str] = []
    for number, values in enumerate(rows[1:], start=2):
        if not any(value.strip() for value in values):
            continue
        row = dict(zip(columns, (value.strip() for value in values), strict=False))
        try:
            region = _row(row)
        except ValueError as error:
            bad.append(f"row {number} ({error})")
            continue
        regions.setdefault(row["file"].replace("\\", "/"), []).append(region)
    unknown = tuple(name for name in columns if name not in COLUMNS)
    return LabelFile(regions=regions, bad_rows=tuple(bad), unknown_columns=unknown)


def read_audacity(content: bytes) -> LabelFile:
    """A label track: start, end and label with tabs between; lines that begin with a backslash are skipped.

    >>> read_audacity(b"1.5\\t2.0\\tdog\\n\\\\\\t100\\t900\\n").regions[""]
    [Region(label='dog', start_s=1.5, end_s=2.0, split='', group='')]
    """
    regions: list[Region] = []
    bad: list[str] = []
    for number, line in enumerate(_decoded(content).splitlines(), start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        parts = line.split("\t", 2)
        try:
            if len(parts) < 2:
                raise ValueError("not start, end and label, with tabs between")
            start_s, end_s = _span(parts[0], parts[1])
        except ValueError as error:
            bad.append(f"line {number} ({error})")
            continue
        label = parts[2].strip() if len(parts) == 3 else ""
        regions.append(Region(label=label, start_s=start_s, end_s=end_s))
    return LabelFile(regions={"": regions}, bad_rows=tuple(bad))


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError("is not text in UTF-8") from error


def _row(row: dict[str, str]) -> Region:
    if not row.get("file") or not row.get("label"):
        raise ValueError("file or label is empty")
    if "\0" in row["file"]:
        raise ValueError("file is no name")
    split = _SPLITS.get(row.get("split", "").lower())
    if split is None:
        raise ValueError(f"split {row['split']!r} is not training, validation or testing")
    start_s, end_s = _span(row.get("start_s", ""), row.get("end_s", ""))
    group = next(_named_groups(row), "")
    return Region(label=row["label"], start_s=start_s, end_s=end_s, split=split, group=group)


def _named_groups(row: dict[str, str]) -> Iterator[str]:
    return (row[name] for name in _GROUPS if row.get(name))


def _span(start: str, end: str) -> tuple[float | None, float | None]:
    start_s, end_s = _seconds(start), _seconds(end)
    if end_s is not None and end_s < (start_s or 0.0):
        raise ValueError("ends before it starts")
    return start_s, end_s


def _seconds(text: str) -> float | None:
    text = text.strip()
    if not text:
        return None
    try:
        seconds = float(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"{text[:20]!r} is no number of seconds") from None
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{text[:20]!r} is no time in a recording")
    return seconds
