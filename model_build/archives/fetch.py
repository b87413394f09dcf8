"""A public data set, from its address to a folder of recordings."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from model_build.archives.archive import Archive
from model_build.archives.download import download
from model_build.archives.unpack import unpack
from model_build.dataset import Progress
from model_build.errors import DatasetError

_CHUNK_BYTES = 1 << 20
_MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Where the data set is."""

    folder: Path
    was_there: bool


def fetch(archive: Archive, into: Path, progress: Progress, url: str | None = None) -> Fetched:
    """Download, verify, unpack and check ``archive``; the folder appears when all of that is done.

    What was downloaded already is used, also a copy of the archive's file that somebody put into ``into``.
    """
    folder = into / archive.folder
    if folder.exists():
        _check(archive, folder, f"{folder}: is there, but is not {archive.name}; move it away and try again")
        return Fetched(folder=folder, was_there=True)
    into.mkdir(parents=True, exist_ok=True)
    file = into / archive.file_name
    _check_room(archive, into, file)
    if not file.exists():
        _download(archive, url or archive.url, file, progress)
    _verify(archive, file, progress)
    _unpack(archive, file, folder, progress)
    file.unlink()
    return Fetched(folder=folder, was_there=False)


def _download(archive: Archive, url: str, file: Path, progress: Progress) -> None:
    total = archive.about_bytes // _MB

    def report(have: int) -> None:
        progress(f"downloading {archive.name}, MB", have // _MB, max(total, have // _MB + 1))

    download(url, file, archive.size_bytes, report)
    size = file.stat().st_size // _MB
    progress(f"downloading {archive.name}, MB", size, size)


def _verify(archive: Archive, file: Path, progress: Progress) -> None:
    """Compare the digest where one is known; a file that differs is removed, for it would never do."""
    if archive.sha256 is None:
        return
    digest, done, total = hashlib.sha256(), 0, file.stat().st_size
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            progress("verifying, MB", done // _MB, total // _MB)
    if digest.hexdigest() != archive.sha256:
        file.unlink()
        raise DatasetError(
            f"{file}: has the SHA-256 {digest.hexdigest()} instead of {archive.sha256}; it was removed. "
            "Try again, or another address with --url"
        )


def _unpack(archive: Archive, file: Path, folder: Path, progress: Progress) -> None:
    """Unpack beside the place and rename, so that there is no folder or a whole one."""
    temporary = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(temporary, ignore_errors=True)
    total = archive.unpacked_bytes // _MB
    try:
        for written in unpack(file, temporary, 2 * archive.unpacked_bytes):
            progress("unpacking, MB", min(written // _MB, total - 1), total)
        progress("unpacking, MB", total, total)
        _check(archive, temporary, f"{file}: does not hold {archive.name}; move it away and try again")
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check(archive: Archive, folder: Path, sentence: str) -> None:
    try:
        archive.check(folder)
    except (DatasetError, OSError) as error:
        raise DatasetError(f"{sentence} ({error})") from error


def _check_room(archive: Archive, into: Path, file: Path) -> None:
    part = file.with_name(f"{file.name}.part")
    have = next((path.stat().st_size for path in (file, part) if path.exists()), 0)
    needed = max(0, archive.about_bytes - have) + archive.unpacked_bytes
    free = shutil.disk_usage(into).free
    if free < needed:
        raise DatasetError(
            f"{into}: {archive.name} needs {needed / 1e9:.1f} GB, but only {free / 1e9:.1f} GB are free"
        )
