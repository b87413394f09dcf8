"""Loader of the ESC-50 layout: ``audio/`` and ``meta/esc50.csv``, a recording's clips all in one fold."""

import csv
from pathlib import Path

from model_build.dataset import Clip, Corpus
from model_build.errors import DatasetError

TABLE = Path("meta", "esc50.csv")
_COLUMNS = ("filename", "fold", "category", "esc10")


def find(folder: Path) -> Corpus:
    """The clips of ESC-10 in the table of ``folder``; those that it lacks count as broken when read."""
    try:
        with (folder / TABLE).open(newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError as error:
        raise DatasetError(f"{folder}: has no {TABLE}, as the layout of ESC-50 has") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{folder / TABLE}: cannot be read: {error}") from error
    if not rows or any(rows[0].get(column) is None for column in _COLUMNS):
        raise DatasetError(f"{folder / TABLE}: needs rows with the columns {', '.join(_COLUMNS)}")
    clips = [
        Clip(
            path=folder / "audio" / row["filename"],
            word=row["category"],
            split=row["fold"],
            group=row.get("src_file") or "",
        )
        for row in rows
        if row["esc10"] == "True"
    ]
    return Corpus(
        name="ESC-10",
        licence="CC BY 3.0",
        source="Piczak 2015, ESC: Dataset for Environmental Sound Classification",
        clips=tuple(clips),
        noises=(),
    )
