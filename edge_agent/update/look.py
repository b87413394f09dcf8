"""In the child: asks The Update Framework what is signed. The only file that knows it."""

import datetime
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from tuf.api.exceptions import DownloadError, DownloadHTTPError, ExpiredMetadataError, RepositoryError
from tuf.api.metadata import Metadata, Root, TargetFile
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

LIMIT_BYTES: Final = 1_000_000
"""Of one metadata file."""
_PREFIX: Final = "metadata/"
_ROLES: Final = ("root", "timestamp", "snapshot", "targets")


class Asked(Protocol):
    """The agent, which fetches for us."""

    def say(self, **plain: Any) -> None: ...  # noqa: D102
    def hear(self) -> dict[str, Any]: ...  # noqa: D102
    def take(self, size_bytes: int) -> bytes: ...  # noqa: D102


class _Fetcher(FetcherInterface):
    def __init__(self, parent: Asked) -> None:
        self._parent = parent

    def _fetch(self, url: str) -> Iterator[bytes]:
        return iter((self.download_bytes(url, LIMIT_BYTES),))

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Without the temporary file that the library would make; the agent keeps to the limit."""
        self._parent.say(fetch=url, limit_bytes=max_length)
        reply = self._parent.hear()
        if reply["status"] == 200:
            return self._parent.take(reply["size_bytes"])
        if reply["status"]:
            raise DownloadHTTPError(reply["reason"], reply["status"])
        raise DownloadError(reply["reason"])


def look(request: Mapping[str, Any], parent: Asked) -> Mapping[str, Any]:
    """What the current, valid metadata says of ``target``.

    One of ``wait`` and ``refused``, with the reason, or ``seen`` (role → version and keys) with ``target``
    (null: not listed; else digest, size_bytes, custom).
    """
    folder = Path(request["folder"])
    try:
        try:
            return _look(folder, request, parent)
        except (DownloadError, RepositoryError):
            raise
        # Whatever a damaged cache leads the library to: it can be had anew.
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            return _look(folder, request, parent)
    except ExpiredMetadataError as error:
        return {"wait": f"{error}, by the time {_day(request['time_s'])}", "expired": True}
    except DownloadError as error:
        return {"wait": str(error)}
    except OSError as error:
        return {"wait": f"the metadata cannot be kept: {error.strerror or error}"}
    except RepositoryError as error:
        return {"refused": f"the signed metadata is not acceptable: {error}"}


def _look(folder: Path, request: Mapping[str, Any], parent: Asked) -> Mapping[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    updater = Updater(
        str(folder), _PREFIX, fetcher=_Fetcher(parent), config=_limits(),
        bootstrap=Path(request["root"]).read_bytes(),
    )  # fmt: skip
    _judge_by(updater, request["time_s"])
    updater.refresh()
    info = updater.get_targetinfo(request["target"])
    _sync(folder)
    return {"seen": _seen(folder), "target": None if info is None else _plain(info)}


def _limits() -> UpdaterConfig:
    return UpdaterConfig(
        root_max_length=200_000, timestamp_max_length=16_384, snapshot_max_length=200_000,
        targets_max_length=LIMIT_BYTES,
    )  # fmt: skip


def _judge_by(updater: Updater, time_s: float) -> None:
    """Expiry is judged by this time instead of the system clock's. TUF offers no public way."""
    trusted = updater._trusted_set
    if not isinstance(trusted.reference_time, datetime.datetime):
        raise TypeError("this version of tuf keeps its reference time elsewhere")
    trusted.reference_time = datetime.datetime.fromtimestamp(time_s, datetime.UTC)


def _seen(folder: Path) -> dict[str, Any]:
    """Versions and key ids of what has just been verified, from the cache where it now lies."""
    root = Metadata[Root].from_file(str(folder / "root.json")).signed
    return {
        role: {
            "version": Metadata.from_file(str(folder / f"{role}.json")).signed.version,
            "keys": sorted(root.roles[role].keyids),
        }
        for role in _ROLES
    }


def _plain(info: TargetFile) -> dict[str, Any]:
    return {"digest": info.hashes.get("sha256", ""), "size_bytes": info.length, "custom": info.custom or {}}


def _sync(folder: Path) -> None:
    """TUF replaces its files, but does not sync them."""
    for path in (*(path for path in folder.rglob("*") if path.is_file()), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _day(time_s: float) -> str:
    return datetime.datetime.fromtimestamp(time_s, datetime.UTC).strftime("%Y-%m-%d %H:%M")
