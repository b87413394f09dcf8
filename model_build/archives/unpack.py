"""Unpacks archives from the internet: only plain files, only below the folder, only so many and so large."""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from model_build.errors import DatasetError

MOST_MEMBERS = 300_000
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A plain file in an archive."""

    name: str
    content: IO[bytes]


def unpack(archive: Path, folder: Path, most_bytes: int) -> Iterator[int]:
    """Unpack into the new ``folder`` and yield how many bytes are there.

    ``DatasetError`` names what is refused. A folder that holds everything else is left out.
    """
    written = 0
    folder.mkdir(parents=True)
    try:
        for number, member in enumerate(_members(archive), start=1):
            if number > MOST_MEMBERS:
                raise DatasetError(f"{archive}: holds more than {MOST_MEMBERS} files")
            path = folder / _safe(archive, member.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                while chunk := member.content.read(_CHUNK_BYTES):
                    written += len(chunk)
                    # Counted as it comes: what the archive says of its own size may be a lie.
                    if written > most_bytes:
                        raise DatasetError(f"{archive}: unpacks to more than {most_bytes / 1e6:.0f} MB")
                    file.write(chunk)
            yield written
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DatasetError(f"{archive}: is broken: {error}") from error
    except OSError as error:
        raise DatasetError(f"{archive}: cannot be unpacked: {error}") from error
    _lift(folder)


def _members(archive: Path) -> Iterator[_Member]:
    return _of_zip(archive) if archive.suffix == ".zip" else _of_tar(archive)


def _of_tar(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive, "r:*") as tar:
        for info in tar:
            if info.isdir():
                continue
            content = tar.extractfile(info) if info.isreg() else None
            if content is None:
                raise DatasetError(f"{archive}: {info.name!r} is a link or a device, not a file")
            yield _Member(name=info.name, content=content)


def _of_zip(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            if info.is_dir():
                continue
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise DatasetError(f"{archive}: {info.filename!r} is a link or a device, not a file")
            with packed.open(info) as content:
                yield _Member(name=info.filename, content=content)


def _safe(archive: Path, name: str) -> PurePosixPath:
    """The place of a member below the folder; nothing may lead out of it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or not path.parts:
        raise DatasetError(f"{archive}: {name!r} leads out of the folder")
    return path


def _lift(folder: Path) -> None:
    """Take the one folder in which everything lies out from between."""
    inner = list(folder.iterdir())
    if len(inner) != 1 or not inner[0].is_dir():
        return
    # Renamed first: it may hold something of its own name.
    top = inner[0].rename(folder / ".top")
    for path in list(top.iterdir()):
        path.rename(folder / path.name)
    top.rmdir()
