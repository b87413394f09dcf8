"""What an installer needs around it, in memory where that loses nothing."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from contract.updates import Desired
from edge_agent.update.files import Files
from edge_agent.update.install import Installer
from edge_agent.update.look import look
from edge_agent.update.outcomes import Outcome, Waiting
from edge_agent.update.selftest import Passed, SelfTest
from edge_agent.update.source import Answer, FetchError, Source, Stream
from edge_agent.update.store import ModelStore
from edge_agent.update.trust import Trust
from tests.edge_agent.update.signing import Repository

GO_ON = threading.Event()
NODE = "roof"


class Shelf:
    """A ``Source`` that gives the files of a repository, in chunks of some bytes."""

    def __init__(self, files: Mapping[str, bytes], chunk_bytes: int = 65_536) -> None:
        self.files, self.chunk_bytes = files, chunk_bytes
        self.asked: list[str] = []

    def read(self, path: str, limit_bytes: int, stop: threading.Event) -> bytes:
        self.asked.append(path)
        content = self.files.get(path)
        if content is None:
            raise FetchError(f"{path}: not there", status=404)
        if len(content) > limit_bytes:
            raise FetchError(f"{path}: longer than {limit_bytes} bytes")
        return content

    def stream(self, path: str, offset: int, tag: str, stop: threading.Event) -> Stream:
        self.asked.append(path)
        content = self.files.get(path)
        if content is None:
            raise FetchError(f"{path}: not there", status=404)
        return Stream(offset=offset, tag="", total_bytes=len(content), chunks=self._chunks(content, offset))

    def desired(self, tag: str, stop: threading.Event) -> Answer:
        return Answer(desired=None, tag=tag)

    def _chunks(self, content: bytes, offset: int) -> Iterator[bytes]:
        for start in range(offset, len(content), self.chunk_bytes):
            yield content[start : start + self.chunk_bytes]


class _Here:
    """The parent, when the look is made in this process."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._reply: dict[str, Any] = {}
        self._content = b""

    def say(self, **plain: Any) -> None:
        try:
            self._content = self._source.read(plain["fetch"], plain["limit_bytes"], GO_ON)
            self._reply = {"status": 200, "size_bytes": len(self._content)}
        except FetchError as error:
            self._reply = {"status": error.status, "reason": str(error)}

    def hear(self) -> dict[str, Any]:
        return self._reply

    def take(self, size_bytes: int) -> bytes:
        return self._content


class TrustHere(Trust):
    """The same, with the child's work done in this process: a hundred times faster."""

    def _ask(self, target: str, at_s: float, source: Source, stop: threading.Event) -> Mapping[str, Any]:
        request = {"folder": str(self._folder / "tuf"), "root": str(self._first_root()),
                   "target": target, "time_s": at_s}  # fmt: skip
        return look(request, _Here(source))


class Lenient(SelfTest):
    """A self-test that everything passes, where the test is about something else."""

    def __init__(self) -> None:
        self.runs = 0

    def run(
        self, path: Path, reference: Path | None, promised: Mapping[str, Any], stop: threading.Event
    ) -> Passed:
        self.runs += 1
        return Passed(model="m@1", labels=("a",), cost_ms_per_s=1.0, reference_ms_per_s=1.0, memory_mb=1.0)


class Told(list[tuple[str, str, int]]):
    """What an installer told: phase, reason, bytes."""

    def __call__(self, phase: str, reason: str = "", done_bytes: int = 0, total_bytes: int = 0) -> None:
        self.append((phase, reason, done_bytes))

    @property
    def phases(self) -> list[str]:
        """Without repetition."""
        phases = [phase for phase, *_ in self]
        return [phase for index, phase in enumerate(phases) if phase not in phases[:index]]


def trust(
    folder: Path, repository: Repository, clock_s: Callable[[], float] = time.time, files: Files | None = None
) -> Trust:
    root = folder / "first-root.json"
    if not root.exists():
        folder.mkdir(parents=True, exist_ok=True)
        root.write_bytes(repository.first_root)
    return TrustHere(folder / "models", root, clock_s=clock_s, files=files)


def installer(
    folder: Path,
    repository: Repository,
    store: ModelStore,
    *,
    source: Source | None = None,
    selftest: SelfTest | None = None,
    tell: Told | None = None,
    files: Files | None = None,
    clock_s: Callable[[], float] = time.time,
) -> Installer:
    shelf = source or Shelf(repository.files)
    return Installer(
        store, trust(folder, repository, clock_s, files), lambda _desired: shelf, selftest or Lenient(),
        tell if tell is not None else Told(), node=NODE, agent_version="0.1.0", files=files,
    )  # fmt: skip


def desired(digest: str, target: str = "m-1.bundle", **others: Any) -> Desired:
    return Desired(serial=1, issued_s=0.0, release=digest, target=target, **others)


def until_settled(one: Installer, wanted: Desired, most: int = 5) -> Outcome:
    """Steps until it does not wait any more; the last outcome."""
    for _ in range(most):
        outcome = one.step(wanted, threading.Event())
        if not isinstance(outcome, Waiting):
            return outcome
    return outcome
