"""Asks in a child process what is signed, fetches for it, and holds the answer against the floor."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from contract.bundle import LIMIT_BYTES
from contract.checks import hexadecimal, mapping_of, whole
from contract.errors import ContractError
from edge_agent.errors import UpdateError
from edge_agent.update import kept
from edge_agent.update.errand import Errand, ErrandError
from edge_agent.update.files import Files, make_folders, replace
from edge_agent.update.floor import FIRST, Floor, Seen, moved, objection, reference_s
from edge_agent.update.source import FetchError, Source

TIME_S: Final = 600.0
"""For all metadata, on the slowest link."""
_ROOT_BYTES: Final = 200_000
_SEEN: Final = mapping_of(lambda _field, value: Seen.from_plain(value), limit=10)

_log = logging.getLogger("edge_agent.update")


class TrustError(UpdateError):
    """What was found is signed wrongly, or is older than what was seen before."""


class UnlistedError(UpdateError):
    """Valid metadata does not list the bundle, or lists another by this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What the operator has signed of a bundle."""

    digest: str
    size_bytes: int
    custom: Mapping[str, Any] = field(default_factory=dict)


class Trust:
    """Keeps metadata, floor and a copy of the first root below ``folder``."""

    def __init__(
        self,
        folder: Path,
        root: Path,
        *,
        files: Files | None = None,
        clock_s: Callable[[], float] = time.time,
        time_s: float = TIME_S,
    ) -> None:
        self._folder, self._root, self._files = folder, root, files or Files()
        self._clock_s, self._time_s = clock_s, time_s

    def look(self, target: str, digest: str, source: Source, stop: threading.Event) -> Signed:
        """What is signed of ``target`` now.

        ``FetchError``: cannot be told now, also because something has expired. ``TrustError``: badly signed.
        ``UnlistedError``: not, or not any more, a release, or not with this digest. ``OSError``: disk.
        """
        floor = self.floor()
        at_s = reference_s(floor, self._clock_s())
        answer = self._ask(target, at_s, source, stop)
        if "wait" in answer:
            raise FetchError(str(answer["wait"]))
        if "refused" in answer:
            raise TrustError(str(answer["refused"]))
        seen = _SEEN("seen", answer["seen"])
        problem = objection(floor, seen)
        if problem:
            raise TrustError(f"the signed metadata is older than what was seen: {problem}")
        self._keep(floor, moved(floor, at_s, seen))
        return _signed(target, digest, answer["target"])

    def floor(self) -> Floor:
        """Trusted time and versions."""
        return kept.read(self._floor_path, Floor) or FIRST

    @property
    def _floor_path(self) -> Path:
        return self._folder / "floor.json"

    def _keep(self, old: Floor, new: Floor) -> None:
        if new != old:
            kept.write(self._files, self._floor_path, new)

    def _ask(self, target: str, at_s: float, source: Source, stop: threading.Event) -> Mapping[str, Any]:
        request = {
            "errand": "look", "folder": str(self._folder / "tuf"), "root": str(self._first_root()),
            "target": target, "time_s": at_s,
        }  # fmt: skip
        try:
            with Errand(request, time_s=self._time_s, stop=stop) as errand:
                while True:
                    said = errand.receive()
                    if "answer" in said:
                        answer: Mapping[str, Any] = said["answer"]
                        return answer
                    if "fetch" not in said:
                        raise ErrandError(f"says {said.get('failed') or said.get('refused')}")
                    errand.send(*_fetched(said, source, stop))
        except ErrandError as error:
            raise FetchError(f"the look at the signed metadata: the child process {error}") from error

    def _first_root(self) -> Path:
        """The root that the operator gave, and a copy of it for the day when that cannot be read."""
        copy = self._folder / "root.json"
        try:
            with self._root.open("rb") as file:
                content = file.read(_ROOT_BYTES)
        except OSError as error:
            if copy.exists():
                return copy
            raise TrustError(
                f"{self._root}: {error.strerror or error}; without it nothing is trusted"
            ) from error
        if not copy.exists() or copy.read_bytes() != content:
            make_folders(self._files, self._folder)
            replace(self._files, copy, content)
        return self._root


def _fetched(said: Mapping[str, Any], source: Source, stop: threading.Event) -> tuple[dict[str, Any], bytes]:
    try:
        content = source.read(said["fetch"], said["limit_bytes"], stop)
    except FetchError as error:
        return {"status": error.status, "reason": str(error)}, b""
    return {"status": 200, "size_bytes": len(content)}, content


def _signed(target: str, digest: str, plain: Mapping[str, Any] | None) -> Signed:
    if plain is None:
        raise UnlistedError(f"{target} is not, or not any more, among the signed releases")
    try:
        signed = Signed(
            digest=hexadecimal(64)("digest", plain["digest"]),
            size_bytes=whole(1, LIMIT_BYTES)("size", plain["size_bytes"]),
            custom=plain["custom"] if isinstance(plain["custom"], dict) else {},
        )
    except ContractError as error:
        raise UnlistedError(f"{target}: what is signed of it is no bundle: {error}") from error
    if signed.digest != digest:
        raise UnlistedError(f"{target} is signed with another content than what was asked for")
    return signed
