"""The bundles on this node: two slots, a pointer to the one in service, and the one that was shipped."""

from pathlib import Path

from edge_agent.update.choice import Choice, RolledBack


class ModelStore:
    """Bundles below ``folder``; ``shipped`` is read, never written.

    Every change is one file replaced whole and synced, so a kill or a power cut leaves the state before it or
    the one after. May be used by several threads. A full or broken disk is an ``OSError``; the state stays
    what it was.
    """

    def __init__(self, folder: Path, shipped: Path, *, crashes_most: int = 1) -> None: ...

    def boot(self) -> Choice:
        """What to load now. If it is on probation, this start has been counted on disk before this returns.

        More than ``crashes_most`` starts that did not end (``stopped``, ``confirm``) roll back here. A slot
        whose content is damaged is passed over: the bundle before, then the shipped one. Never raises: if
        the disk cannot be written, a bundle on probation is not started.
        If the bundle then does not load, call ``roll_back`` and ``boot`` again.
        """
        raise NotImplementedError

    def stage(self, digest: str, content: Path, attempt: int, rollout: int | None) -> Path:
        """Move the file ``content`` (same file system, its digest verified) into the free slot."""
        raise NotImplementedError

    def begin_probation(self, digest: str, attempt: int = 1, rollout: int | None = None) -> None:
        """From now on ``digest`` is what ``boot`` chooses, on probation. Call this before loading it live.

        Counts as its first start. ``ValueError`` if no slot holds it.
        """
        raise NotImplementedError

    def confirm(self, digest: str) -> None:
        """It is in service for good; the one before stays in its slot. ``ValueError`` if not on probation."""
        raise NotImplementedError

    def roll_back(self, digest: str, reason: str) -> None:
        """Back to the bundle before; this attempt at ``digest`` has failed and is not begun again.

        Also for a bundle that is in service for good, if it does not load. Twice is the same as once.
        """
        raise NotImplementedError

    def refuse(self, digest: str, attempt: int, reason: str) -> None:
        """Remember that this attempt failed before it came into service."""
        raise NotImplementedError

    def failed(self, digest: str, attempt: int) -> str | None:
        """Why this attempt, or a later one, has failed; None: it may be begun."""
        raise NotImplementedError

    def stopped(self) -> None:
        """The agent ends in good order: this start was no crash."""
        raise NotImplementedError

    def told(self) -> None:
        """What was rolled back lies in the outbox; ``Choice.rolled_back`` is None from now on."""
        raise NotImplementedError

    @property
    def untold(self) -> RolledBack | None:
        """What was rolled back and has not been told."""
        raise NotImplementedError

    def path_of(self, digest: str) -> Path | None:
        """Where the bundle lies, its content hashed just now; None: on no slot, nor shipped."""
        raise NotImplementedError
