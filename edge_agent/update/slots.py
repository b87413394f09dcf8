"""The two slots and the shipped bundle: what lies where is told by content alone."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.bundle import LIMIT_BYTES
from edge_agent.update.files import Files, make_folders, move

SHIPPED: Final = "shipped"
NAMES: Final = ("a", "b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A bundle that lies here."""

    slot: str
    path: Path
    digest: str


class Slots:
    """Reads all three; writes only into ``folder``."""

    def __init__(self, folder: Path, shipped: Path, files: Files) -> None:
        self._folder, self._shipped, self._files = folder, shipped, files

    def shipped(self) -> Place:
        """The bundle that came with the agent; its digest is empty if it cannot be read."""
        return Place(slot=SHIPPED, path=self._shipped, digest=digest_of(self._shipped) or "")

    def places(self) -> Iterator[Place]:
        """All that lies here, the shipped bundle last; each is hashed when it is asked for."""
        yield from self._filled()
        yield self.shipped()

    def find(self, digest: str) -> Place | None:
        """Where it lies whole."""
        return next((place for place in self.places() if place.digest == digest), None)

    def fill(self, content: Path, needed: Collection[str], wanted: Collection[str]) -> Path:
        """Move ``content`` into a slot that holds nothing ``needed``, best one that holds nothing ``wanted``.

        ``ValueError`` if both slots are needed.
        """
        make_folders(self._files, self._folder)
        held = {place.slot: place.digest for place in self._filled()}
        free = [name for name in NAMES if held.get(name) not in needed]
        if not free:
            raise ValueError("both slots are in use")
        free.sort(key=lambda name: (held.get(name) in wanted, name in held, name))
        path = self._folder / f"{free[0]}.bundle"
        move(self._files, content, path)
        return path

    def _filled(self) -> Iterator[Place]:
        for name in NAMES:
            path = self._folder / f"{name}.bundle"
            digest = digest_of(path)
            if digest:
                yield Place(slot=name, path=path, digest=digest)


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file no longer than a bundle may be; None if there is none that can be read."""
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except OSError:
        return None
    return None if len(content) > LIMIT_BYTES else hashlib.sha256(content).hexdigest()
