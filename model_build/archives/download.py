"""Downloads one file; what is there already is not fetched twice, whatever ended the last attempt."""

import fcntl
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from model_build.errors import DatasetError

CHUNK_BYTES = 1 << 18
TIMEOUT_S = 60.0
TRIES = 6
"""In a row without a single byte."""
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE_NOT_SATISFIABLE = 416

Report = Callable[[int], None]
"""Told how many bytes are there."""
Wait = Callable[[float], None]


class _InterruptedError(Exception):
    """An attempt that may be repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Partial:
    """The beginning of a file, and how the server calls that version of it."""

    path: Path

    @property
    def note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def version(self, url: str) -> str | None:
        """Validator for If-Range, if the part came from ``url``."""
        try:
            note = json.loads(self.note.read_text())
        except (OSError, ValueError):
            return None
        same = isinstance(note, dict) and note.get("url") == url
        return note.get("version") if same and isinstance(note.get("version"), str) else None

    def remember(self, url: str, version: str | None) -> None:
        self.note.write_text(json.dumps({"url": url, "version": version}))

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def download(url: str, target: Path, size_bytes: int | None, report: Report, wait: Wait = time.sleep) -> None:
    """Fetch ``url`` into ``target``, through ``target``.part, which stays when this is interrupted.

    A part is continued if the server says that the file is still the same (by ETag or date), else fetched
    from the beginning. Passing faults are retried with growing pauses; ``DatasetError`` says what was final.
    """
    if urlsplit(url).scheme not in ("https", "http"):
        raise DatasetError(
            f"{url}: only https:// and http:// are fetched; a copy that you have can be put at {target}"
        )
    part = _Partial(path=target.with_name(f"{target.name}.part"))
    with _alone(part.path):
        failures, seen = 0, part.size()
        while True:
            try:
                _attempt(url, part, size_bytes, report)
                break
            except _InterruptedError as error:
                # Bytes that came show that the line works: the patience begins anew.
                failures = failures + 1 if part.size() <= seen else 1
                seen = part.size()
                if failures >= TRIES:
                    raise DatasetError(
                        f"{url}: {error}; gave up after {TRIES} tries. The same command goes on from "
                        f"{seen / 1e6:.1f} MB"
                    ) from error
                wait(2.0 ** (failures - 1))
        part.path.replace(target)
        part.note.unlink(missing_ok=True)


def _attempt(url: str, part: _Partial, size_bytes: int | None, report: Report) -> None:
    have, version = part.size(), part.version(url)
    headers = {"User-Agent": "soundpost-model-build", "Accept-Encoding": "identity"}
    if have and version:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    try:
        with _opener().open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S) as answer:  # noqa: S310
            continued = answer.status == http.client.PARTIAL_CONTENT
            if continued and _first_byte(answer.headers) != have:
                part.remove()
                raise _InterruptedError("the server sent another part than was asked for")
            total = _total(answer.headers, have if continued else 0)
            if size_bytes is not None and total not in (None, size_bytes):
                raise DatasetError(f"{url}: has {total} bytes instead of {size_bytes}; it is another file")
            part.remember(url, _version(answer.headers))
            with part.path.open("ab" if continued else "wb") as file:
                _copy(answer, file, have if continued else 0, total or size_bytes, report)
    except urllib.error.HTTPError as error:
        if error.code == _RANGE_NOT_SATISFIABLE:
            part.remove()
        elif error.code not in _PASSING:
            raise DatasetError(f"{url}: the server says {error.code} {error.reason}") from error
        raise _InterruptedError(f"the server says {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise DatasetError(f"{part.path}: cannot be written: {error.strerror}") from error
        raise _InterruptedError(str(getattr(error, "reason", error)) or type(error).__name__) from error


def _copy(answer: IO[bytes], file: IO[bytes], have: int, total: int | None, report: Report) -> None:
    report(have)
    while chunk := answer.read(CHUNK_BYTES):
        try:
            file.write(chunk)
        except OSError as error:
            raise DatasetError(f"cannot be written: {error.strerror}") from error
        have += len(chunk)
        report(have)
    if total is not None and have < total:
        raise _InterruptedError(f"the connection ended after {have} of {total} bytes")


def _version(headers: Message) -> str | None:
    """What If-Range may name: a strong ETag, or else the date of the last change."""
    etag = headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")


def _total(headers: Message, before: int) -> int | None:
    length = headers.get("Content-Length", "")
    return before + int(length) if length.isdecimal() else None


def _first_byte(headers: Message) -> int | None:
    """
    >>> m = Message(); m["Content-Range"] = "bytes 200-999/1000"; _first_byte(m)
    200
    """
    start = headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
    return int(start) if start.isdecimal() else None


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from TLS to an open line."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != "https" and req.type == "https":
            raise DatasetError(f"{req.full_url}: leads to {newurl}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoDowngrade)


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Two downloads into one file would make a mess of it."""
    with part.with_name(f".{part.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DatasetError(f"{part}: another download is writing it") from error
        try:
            yield
        finally:
            Path(lock.name).unlink(missing_ok=True)
