"""Disks that fail: one that records every step and can lose power after each, one that refuses some."""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_agent.update.files import Files

Step = tuple[str, Path, bytes | Path | None]


class Recording(Files):
    """Does what it is told, and notes it."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def write(self, path: Path, content: bytes) -> None:
        super().write(path, content)
        self.steps.append(("write", path, content))

    def append(self, path: Path, content: bytes) -> None:
        super().append(path, content)
        self.steps.append(("append", path, content))

    def sync(self, path: Path) -> None:
        super().sync(path)
        self.steps.append(("sync", path, None))

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        self.steps.append(("sync_folder", path, None))

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self.steps.append(("rename", source, target))

    def remove(self, path: Path) -> None:
        super().remove(path)
        self.steps.append(("remove", path, None))

    def make_folder(self, path: Path) -> None:
        super().make_folder(path)
        self.steps.append(("make_folder", path, None))


@dataclass
class Content:
    now: bytes
    synced: bytes


@dataclass
class Disk:
    """What is in memory (``names``, ``Content.now``) and what a power cut leaves (the others)."""

    names: dict[Path, Content] = field(default_factory=dict)
    synced_names: dict[Path, Content] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "Disk":
        """All that lies there, synced."""
        names = {
            path: Content(path.read_bytes(), path.read_bytes())
            for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
        }  # fmt: skip
        return cls(dict(names), dict(names))

    def apply(self, step: Step) -> None:
        what, path, more = step
        if what == "write":
            assert isinstance(more, bytes)
            if path in self.names:
                self.names[path].now = more
            else:
                self.names[path] = Content(more, b"")
        elif what == "append":
            assert isinstance(more, bytes)
            self.names.setdefault(path, Content(b"", b"")).now += more
        elif what == "sync":
            self.names[path].synced = self.names[path].now
        elif what == "rename":
            assert isinstance(more, Path)
            self.names[more] = self.names.pop(path)
        elif what == "remove":
            self.names.pop(path, None)
        elif what == "sync_folder":
            for name in [name for name in self.synced_names if name.parent == path]:
                del self.synced_names[name]
            self.synced_names.update({n: c for n, c in self.names.items() if n.parent == path})

    def states(self) -> Iterator[tuple[str, dict[Path, bytes]]]:
        """What may be found afterwards: by a killed process' heir, or after power came back."""
        yield "killed", {name: content.now for name, content in self.names.items()}
        yield "nothing unsynced", {name: content.synced for name, content in self.synced_names.items()}
        yield "names, no content", {name: content.synced for name, content in self.names.items()}
        yield "half of the content", {name: _half(content) for name, content in self.names.items()}
        yield "content, no names", {name: content.now for name, content in self.synced_names.items()}


def _half(content: Content) -> bytes:
    if content.now == content.synced:
        return content.now
    return content.now[: len(content.now) // 2] + b"\0" * 7


def lay_out(state: dict[Path, bytes], old: Path, new: Path) -> None:
    """The files of ``state``, which were below ``old``, below ``new``."""
    for path, content in state.items():
        target = new / path.relative_to(old)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


class Refusing(Files):
    """Refuses the n-th step, or all from then on; what it refuses to write it writes in part."""

    def __init__(self, number: int, code: int, *, for_good: bool = False) -> None:
        self.number, self.code, self.for_good = number, code, for_good
        self.count = 0

    def _pass(self) -> None:
        self.count += 1
        if self.count == self.number or (self.for_good and self.count > self.number):
            raise OSError(self.code, os.strerror(self.code))

    def _try(self, step: Callable[[], None]) -> None:
        self._pass()
        step()

    def write(self, path: Path, content: bytes) -> None:
        try:
            self._pass()
        except OSError:
            super().write(path, content[: len(content) // 2])
            raise
        super().write(path, content)

    def append(self, path: Path, content: bytes) -> None:
        try:
            self._pass()
        except OSError:
            super().append(path, content[: len(content) // 2])
            raise
        super().append(path, content)

    def sync(self, path: Path) -> None:
        self._try(lambda: super(Refusing, self).sync(path))

    def sync_folder(self, path: Path) -> None:
        self._try(lambda: super(Refusing, self).sync_folder(path))

    def rename(self, source: Path, target: Path) -> None:
        self._try(lambda: super(Refusing, self).rename(source, target))

    def remove(self, path: Path) -> None:
        self._try(lambda: super(Refusing, self).remove(path))

    def make_folder(self, path: Path) -> None:
        self._try(lambda: super(Refusing, self).make_folder(path))


FULL: Final = errno.ENOSPC
BROKEN: Final = errno.EIO
