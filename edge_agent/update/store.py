"""The bundles on this node: two slots, a pointer to the one in service, and the one that was shipped."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from edge_agent.update import kept
from edge_agent.update import pointer as pointers
from edge_agent.update import starts as counting
from edge_agent.update.boot import decide, without_disk
from edge_agent.update.choice import Choice, RolledBack
from edge_agent.update.files import Files
from edge_agent.update.pointer import Held, Pointer
from edge_agent.update.slots import Place, Slots
from edge_agent.update.starts import Starts

_log = logging.getLogger("edge_agent.update")


class ModelStore:
    """Bundles below ``folder``; ``shipped`` is read, never written.

    Every change is one file replaced whole and synced, so a kill or a power cut leaves the state before it or
    the one after. May be used by several threads. A full or broken disk is an ``OSError``; the state stays
    what it was.
    """

    def __init__(
        self,
        folder: Path,
        shipped: Path,
        *,
        crashes_most: int = 1,
        power: str = "",
        files: Files | None = None,
    ) -> None:
        """``power`` tells one time that the machine is switched on from another."""
        self.folder = folder
        self._files = files or Files()
        self._path, self._starts_path = folder / "pointer.json", folder / "starts.json"
        self._power = power
        self._slots = Slots(folder / "slots", shipped, self._files)
        self._crashes_most = crashes_most
        self._lock = threading.Lock()

    def boot(self) -> Choice:
        """What to load now. If it is on probation, this start has been counted on disk before this returns.

        More than ``crashes_most`` starts that did not end (``stopped``, ``confirm``) roll back here. So do
        ``starts.MOST`` of a confirmed bundle that ended neither well nor after a while (``steady``). A slot
        whose content is damaged is passed over: the bundle before, then the shipped one. Never raises: if
        the disk cannot be written, a bundle on probation is not started.
        If the bundle then does not load, call ``roll_back`` and ``boot`` again.
        """
        with self._lock:
            pointer, starts = self.pointer(), self.starts()
            decision = decide(
                pointer, self._lies_here, self._crashes_most,
                lambda digest: counting.complaint(starts, digest, self._power),
            )  # fmt: skip
            held, after = decision.held, decision.pointer
            try:
                if after != pointer:
                    self._save(after)
            except OSError as error:
                _log.error("the pointer cannot be written; no model on probation is started",
                           extra={"file": str(self._path), "error": str(error)})  # fmt: skip
                held, after = without_disk(pointer, self._lies_here), pointer
            choice = self._choice(after, held)
            if held is not None and not choice.on_probation:
                self._count(counting.counted(starts, held.digest, self._power))
            return choice

    def stage(self, content: Path) -> Path:
        """Move the file ``content`` (same file system, its digest verified) into the free slot.

        ``ValueError`` while both slots are needed, which is so on probation.
        """
        with self._lock:
            pointer = self.pointer()
            needed = {held.digest for held in (pointer.in_service, pointer.probation) if held is not None}
            wanted = {pointer.before.digest} if pointer.before is not None else set()
            return self._slots.fill(content, needed, wanted)

    def begin_probation(self, digest: str, attempt: int = 1, rollout: int | None = None) -> None:
        """From now on ``digest`` is what ``boot`` chooses, on probation. Call this before loading it live.

        Counts as its first start. ``ValueError`` if no slot holds it.
        """
        if self.path_of(digest) is None:
            raise ValueError(f"no slot holds {digest[:12]}")
        self._change(lambda old: pointers.begun(old, Held(digest=digest, attempt=attempt, rollout=rollout)))

    def confirm(self, digest: str) -> None:
        """It is in service for good; the one before stays in its slot. ``ValueError`` if not on probation."""

        def change(old: Pointer) -> Pointer:
            if old.probation is None or old.probation.digest != digest:
                raise ValueError(f"{digest[:12]} is not on probation")
            return pointers.confirmed(old)

        self._change(change)

    def roll_back(self, digest: str, reason: str) -> None:
        """Back to the bundle before; this attempt at ``digest`` has failed and is not begun again.

        Also for a bundle that is in service for good, if it does not load. Twice is the same as once.
        """
        self._change(lambda old: pointers.rolled_back(old, digest, reason))

    def refuse(self, digest: str, attempt: int, reason: str) -> None:
        """Remember that this attempt failed before it came into service."""
        self._change(lambda old: pointers.refused(old, digest, attempt, reason))

    def failed(self, digest: str, attempt: int) -> str | None:
        """Why this attempt, or a later one, has failed; None: it may be begun."""
        return pointers.why_failed(self.pointer(), digest, attempt)

    def stopped(self) -> None:
        """The agent ends in good order: this start was no crash."""
        with self._lock:
            starts = self.starts()
            if starts is not None:
                self._count(counting.uncounted(starts))
        self._change(pointers.stopped)

    def steady(self) -> None:
        """The agent has run for ``starts.STEADY_S``: the starts so far say nothing against the bundle."""
        with self._lock:
            if self.starts() is not None:
                self._files.remove(self._starts_path)

    def told(self) -> None:
        """What was rolled back lies in the outbox; ``Choice.rolled_back`` is None from now on."""
        self._change(pointers.told)

    @property
    def untold(self) -> RolledBack | None:
        """What was rolled back and has not been told."""
        return _rolled_back(self.pointer())

    def path_of(self, digest: str) -> Path | None:
        """Where the bundle lies, its content hashed just now; None: on no slot, nor shipped."""
        place = self._slots.find(digest)
        return place.path if place is not None else None

    def in_service(self) -> Place:
        """The confirmed bundle, or the shipped one."""
        held = self.pointer().in_service
        return (self._slots.find(held.digest) if held else None) or self._slots.shipped()

    def places(self) -> tuple[Place, ...]:
        """All that lies here, the shipped bundle last."""
        return tuple(self._slots.places())

    def pointer(self) -> Pointer:
        """What the pointer file says; one that cannot be read says that the shipped bundle is in service."""
        try:
            return self._read()
        except OSError as error:
            _log.error("the pointer cannot be read; the shipped model counts",
                       extra={"file": str(self._path), "error": str(error)})  # fmt: skip
            return Pointer()

    def starts(self) -> Starts | None:
        """Of the bundle in service, that came to nothing so far; None: nothing is known."""
        try:
            return kept.read(self._starts_path, Starts)
        except OSError:
            return None

    def _count(self, starts: Starts) -> None:
        """A count that cannot be written keeps no bundle from being started, nor the agent from ending."""
        try:
            kept.write(self._files, self._starts_path, starts)
        except OSError as error:
            _log.warning("the start cannot be counted", extra={"error": str(error)})

    def _read(self) -> Pointer:
        return kept.read(self._path, Pointer) or Pointer()

    def _change(self, change: Callable[[Pointer], Pointer]) -> None:
        with self._lock:
            # A disk that does not answer now must not lead to a pointer that has forgotten everything.
            old = self._read()
            new = change(old)
            if new != old:
                self._save(new)

    def _save(self, pointer: Pointer) -> None:
        kept.write(self._files, self._path, pointer)

    def _lies_here(self, digest: str) -> bool:
        return self._slots.find(digest) is not None

    def _choice(self, pointer: Pointer, held: Held | None) -> Choice:
        place = (self._slots.find(held.digest) if held else None) or self._slots.shipped()
        on_probation = held is not None and held is pointer.probation and place.digest == held.digest
        return Choice(
            path=place.path, digest=place.digest, slot=place.slot, on_probation=on_probation,
            attempt=held.attempt if held and on_probation else 0,
            rollout=held.rollout if held and on_probation else None, rolled_back=_rolled_back(pointer),
        )  # fmt: skip


def _rolled_back(pointer: Pointer) -> RolledBack | None:
    untold = pointer.untold
    if untold is None:
        return None
    return RolledBack(
        digest=untold.digest, attempt=untold.attempt, rollout=untold.rollout, reason=untold.reason
    )
