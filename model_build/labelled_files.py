"""Finds the recordings below a folder and what each is called, by label files or by the folder it lies in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model_build.audio_file import SUFFIXES
from model_build.checks.finding import ERROR, WARNING, Finding, about, short
from model_build.errors import DatasetError
from model_build.label_files import COLUMNS, LabelFile, Region, read_audacity, read_table

TABLE = "labels.csv"
_FOREIGN = frozenset({".m4a", ".aac", ".wma", ".amr", ".3gp", ".mp4", ".webm", ".mka"})
"""Recordings of phones, which libsndfile does not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFile:
    """A recording and what it holds."""

    path: Path
    regions: tuple[Region, ...]
    split: str
    """Empty: nobody has decided."""
    group: str
    """Who or what was recorded, from a sub-folder; empty: not known."""
    likely_group: str
    """The same from the beginning of the file's name, which may mean something else."""


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was noticed on the way."""

    unlabelled: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    bad_rows: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    others: list[Finding] = field(default_factory=list)


def labelled_files(root: Path, split: str, skip: frozenset[str], noticed: Findings) -> Iterator[LabelledFile]:
    """The recordings below ``root``, without those in its folders ``skip``."""
    table = _table(root, noticed)
    seen = set()
    for path in _files(root):
        inside = path.relative_to(root)
        folder = inside.parts[0] if len(inside.parts) > 1 else ""
        if folder in skip:
            continue
        suffix = path.suffix.lower()
        if suffix in _FOREIGN:
            noticed.foreign.append(short(path))
        if suffix not in SUFFIXES:
            continue
        seen.add(inside.as_posix())
        regions = _regions(path, inside, folder, table, noticed)
        if regions:
            yield LabelledFile(
                path=path,
                regions=regions,
                split=split,
                group="/".join(inside.parts[1:-1]),
                likely_group=_speaker(path.stem),
            )
    noticed.absent += [f"{TABLE}: {name}" for name in table if name not in seen]


def noises(root: Path, folders: frozenset[str]) -> list[Path]:
    """The recordings in those folders of ``root``."""
    found = [path for name in sorted(folders) for path in _files(root / name)]
    return [path for path in found if path.suffix.lower() in SUFFIXES]


def findings_of(noticed: Findings) -> tuple[Finding, ...]:
    """What was noticed, as sentences."""
    convert = "Convert each first, as with: ffmpeg -i sound.m4a sound.flac"
    return (
        *noticed.others,
        *about(
            WARNING,
            "unlabelled",
            noticed.unlabelled,
            "lies in no label's folder and no label file names it; it is left out",
            "recordings lie in no label's folder and no label file names them; they are left out",
            f"Move them into a folder with the name of the label, or name them in {TABLE}.",
        ),
        *about(
            WARNING,
            "format",
            noticed.foreign,
            "is in a format that cannot be read; it is left out",
            "files are in a format that cannot be read; they are left out",
            convert,
        ),
        *about(
            WARNING,
            "label-file",
            noticed.bad_rows,
            "cannot be understood; it is left out",
            "rows of label files cannot be understood; they are left out",
            "Correct them; times are in seconds, and the end is after the start.",
        ),
        *about(
            WARNING,
            "absent",
            noticed.absent,
            "is named there, but there is no such recording",
            "rows name recordings that are not there",
            f"Names in {TABLE} count from the folder in which it lies.",
        ),
        *about(
            WARNING,
            "empty",
            noticed.empty,
            "holds no recording",
            "folders hold no recording",
            "Record some clips, or remove the folder.",
        ),
    )


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def _table(root: Path, noticed: Findings) -> Mapping[str, list[Region]]:
    path = root / TABLE
    if not path.is_file():
        return {}
    try:
        table = read_table(path.read_bytes())
    except (DatasetError, OSError) as error:
        noticed.others.append(
            Finding(
                severity=ERROR,
                kind="label-file",
                sentence=f"{short(path)} {error}",
                advice=f"The first line names the columns: {', '.join(COLUMNS[:5])}, speaker; "
                "file and label are needed.",
                files=(str(path),),
            )
        )
        return {}
    _remember(path, table, noticed)
    if table.unknown_columns:
        noticed.others.append(
            Finding(
                severity=WARNING,
                kind="column",
                sentence=f"{short(path)} has columns of unknown meaning: {', '.join(table.unknown_columns)}",
                advice=f"Known are {', '.join(COLUMNS)}; others are left out.",
                files=(str(path),),
            )
        )
    return table.regions


def _remember(path: Path, read: LabelFile, noticed: Findings) -> None:
    noticed.bad_rows += [f"{short(path)} {phrase}" for phrase in read.bad_rows]


def _regions(
    path: Path, inside: Path, folder: str, table: Mapping[str, list[Region]], noticed: Findings
) -> tuple[Region, ...]:
    """What the file holds: its rows in the table, else its own label file, else what its folder is called."""
    named = table.get(inside.as_posix())
    if named is not None:
        return tuple(named)
    track = path.with_suffix(".txt")
    if track.is_file():
        try:
            read = read_audacity(track.read_bytes())
        except (DatasetError, OSError) as error:
            noticed.bad_rows.append(f"{short(track)} ({error})")
            return ()
        _remember(track, read, noticed)
        regions = [_called(region, folder) for region in read.regions[""]]
        noticed.bad_rows += [
            f"{short(track)} (a label without text)" for region in regions if not region.label
        ]
        return tuple(region for region in regions if region.label)
    if not folder:
        noticed.unlabelled.append(short(path))
        return ()
    return (Region(label=folder),)


def _called(region: Region, folder: str) -> Region:
    """A label without text is about what the folder is called."""
    return region if region.label else Region(label=folder, start_s=region.start_s, end_s=region.end_s)


def _speaker(stem: str) -> str:
    """What stands before the first underscore: who speaks, as in the archive of Speech Commands.

    >>> _speaker("anna_03"), _speaker("0a7c_nohash_2"), _speaker("bark 17")
    ('anna', '0a7c', '')
    """
    match = re.match(r"([^_]+)_", stem)
    return match.group(1) if match else ""
