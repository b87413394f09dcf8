"""Archives of arrays, written the same way every time and read without trust and without filling the memory.

An archive is a ZIP file with stored members and fixed times. Arrays in it are mapped from the file: what is
not looked at is never read. Names in an archive are compared, never used as paths.
"""

import io
import mmap
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

LIMIT_BYTES: Final = 2_000_000_000
MEMBERS_LIMIT: Final = 30
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_CHUNK_BYTES: Final = 1 << 20
_ARRAY_NAME: Final = re.compile(r"([A-Za-z0-9_]{1,60})\.npy")


class UnreadableError(Exception):
    """The file is not what it should be; the text says in what way, without naming the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where a member's bytes lie in the file."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """The byte after its last."""
        return self.start + self.size


def write_archive(target: BinaryIO, members: Mapping[str, bytes | Path]) -> None:
    """Write ``members``, contents or the files that hold them, in the order of their names."""
    with zipfile.ZipFile(_Sink(target), "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            content = members[name]
            size = len(content) if isinstance(content, bytes) else content.stat().st_size
            with archive.open(_info(name, size), "w") as member:
                for chunk in _chunks(content):
                    member.write(chunk)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write ``arrays`` as an npz file whose bytes depend on nothing but them."""
    with path.open("wb") as file, zipfile.ZipFile(_Sink(file), "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            whole = np.asarray(arrays[name], order="C")
            with archive.open(_info(f"{name}.npy", whole.nbytes + _CHUNK_BYTES), "w") as member:
                np.lib.format.write_array(member, whole, allow_pickle=False)
    return path


def read_members(path: Path, wanted: frozenset[str]) -> dict[str, Span]:
    """The members of an archive that ``write_archive`` has written, every byte of it checked."""
    with path.open("rb") as file:
        spans = _spans(file, Span(start=0, size=path.stat().st_size))
        if set(spans) != wanted:
            raise UnreadableError(f"must hold {', '.join(sorted(wanted))}")
        packed = {name: _Part(file, span) for name, span in spans.items()}
        with path.open("rb") as original:
            same = _Same(original)
            try:
                _pack_again(same, packed)
            except zipfile.BadZipFile as error:
                raise UnreadableError(str(error)) from error
            if not same.equal or original.read(1):
                raise UnreadableError("bytes differ from what its members give")
    return spans


def read_bytes(path: Path, span: Span, limit_bytes: int) -> bytes:
    """The content of a member that is not long."""
    if span.size > limit_bytes:
        raise UnreadableError(f"a member is longer than {limit_bytes} bytes")
    with path.open("rb") as file:
        file.seek(span.start)
        return file.read(span.size)


def map_arrays(path: Path, within: Span | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of an npz file, or of one that is a stored member of the file at ``path``; read-only."""
    size = path.stat().st_size
    if size > LIMIT_BYTES:
        raise UnreadableError(f"larger than {LIMIT_BYTES} bytes")
    arrays = {}
    with path.open("rb") as file:
        for name, span in _spans(file, within or Span(start=0, size=size)).items():
            fitting = _ARRAY_NAME.fullmatch(name)
            if fitting is None:
                raise UnreadableError(f"{name[:60]!r} is not the name of an array")
            arrays[fitting[1]] = _mapped(file, span, fitting[1])
    return arrays


def _mapped(file: BinaryIO, span: Span, name: str) -> NDArray[Any]:
    part = _Part(file, span)
    try:
        version = np.lib.format.read_magic(part)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, by_columns, dtype = read[version](part)
    # numpy answers hostile headers with many kinds of exceptions.
    except Exception as error:
        raise UnreadableError(f"{name}: no array: {error or type(error).__name__}") from error
    if dtype.hasobject or dtype.itemsize == 0 or (by_columns and len(shape) > 1):
        raise UnreadableError(f"{name}: an array of a kind that is not used here")
    start = span.start + part.tell()
    count = int(np.prod(shape, dtype=object)) if shape else 1
    if min(shape, default=0) < 0 or count * dtype.itemsize != span.end - start:
        raise UnreadableError(f"{name}: its length does not fit its shape")
    if count == 0:
        return np.zeros(shape, dtype)
    # A map begins at a whole page.
    page = start // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
    mapped = mmap.mmap(file.fileno(), span.end - page, offset=page, access=mmap.ACCESS_READ)
    return np.ndarray(shape, dtype, buffer=mapped, offset=start - page)


def _spans(file: BinaryIO, within: Span) -> dict[str, Span]:
    if within.size > LIMIT_BYTES:
        raise UnreadableError(f"larger than {LIMIT_BYTES} bytes")
    part = _Part(file, within)
    try:
        with zipfile.ZipFile(part) as archive:
            infos = archive.infolist()
        found = [(info, _content_of(part, info)) for info in infos]
    # zipfile answers hostile bytes with many kinds of exceptions.
    except Exception as error:
        raise UnreadableError(f"no archive: {error or type(error).__name__}") from error
    spans = {info.filename: span for info, span in found}
    if len(infos) > MEMBERS_LIMIT or len(spans) != len(infos):
        raise UnreadableError("holds too many members, or one twice")
    for info, span in found:
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise UnreadableError("members must be stored, not compressed")
        if span.end > within.end:
            raise UnreadableError("a member lies outside")
    return spans


def _content_of(part: "_Part", info: zipfile.ZipInfo) -> Span:
    """Where a member begins: its own header says how long it is itself."""
    part.seek(info.header_offset)
    head = part.read(30)
    skip = 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    return Span(start=part.span.start + info.header_offset + skip, size=info.file_size)


def _pack_again(same: "_Same", packed: Mapping[str, "_Part"]) -> None:
    with zipfile.ZipFile(same, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(packed):
            with archive.open(_info(name, packed[name].span.size), "w") as member:
                packed[name].seek(0)
                while same.equal and (chunk := packed[name].read(_CHUNK_BYTES)):
                    member.write(chunk)


def _info(name: str, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=_EPOCH)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    info.file_size = size
    return info


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


class _Sink:
    """A file that cannot go back, so that an archive is written in one way, whatever it is written to."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target

    def write(self, content: bytes) -> int:
        return self._target.write(content)

    def flush(self) -> None:
        self._target.flush()

    def close(self) -> None:
        pass


class _Same:
    """Compares what is written to it with a file."""

    def __init__(self, original: BinaryIO) -> None:
        self._original = original
        self.equal = True

    def write(self, content: bytes) -> int:
        self.equal = self.equal and self._original.read(len(content)) == content
        return len(content)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


class _Part(io.RawIOBase):
    """A part of a file, read as if it was one."""

    def __init__(self, file: BinaryIO, span: Span) -> None:
        super().__init__()
        self._file, self.span = file, span
        self._place = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.span.size}[whence]
        if origin + offset < 0:
            raise OSError("before the beginning")
        self._place = origin + offset
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self.span.size - self._place)
        wanted = left if size is None or size < 0 else min(size, left)
        self._file.seek(self.span.start + self._place)
        content = self._file.read(wanted)
        self._place += len(content)
        return content
