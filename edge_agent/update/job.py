"""What this node is installing, kept on the disk: the order, the part that has come, what went wrong."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contract.checks import hexadecimal, optional, text, truth, whole
from contract.record import Record, checked
from contract.updates import Desired
from edge_agent.update import kept
from edge_agent.update.files import Files, make_folders

_COUNT = whole(0, 2**53)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Record):
    """One attempt at one bundle."""

    digest: str = checked(hexadecimal(64), "SHA-256 of the bundle")
    target: str = checked(text(200), "its name in the signed metadata")
    attempt: int = checked(_COUNT, "which attempt at it")
    rollout: int | None = checked(optional(_COUNT), "the rollout that wants it", default=None)
    tag: str = checked(text(200, empty=True), "of the content that the part belongs to", default="")
    strikes: int = checked(_COUNT, "times that something signed or hashed was wrong", default=0)
    tested: bool = checked(truth, "whether it has passed its self-test", default=False)


class Workbench:
    """The folder of the one job in hand."""

    def __init__(self, folder: Path, files: Files) -> None:
        self._folder, self._files = folder, files
        self._path = folder / "job.json"

    def job(self) -> Job | None:
        """The one in hand."""
        return kept.read(self._path, Job)

    def begin(self, desired: Desired) -> Job:
        """The job for ``desired``; a part of the same bundle is kept, of any other removed."""
        if desired.release is None:
            raise ValueError("nothing is desired")
        old = self.job()
        job = Job(
            digest=desired.release, target=desired.target, attempt=desired.attempt, rollout=desired.rollout,
            tag=old.tag if old is not None and old.digest == desired.release else "",
        )  # fmt: skip
        make_folders(self._files, self._folder)
        for other in self._folder.glob("*.part"):
            if other != self.part(job):
                self._files.remove(other)
        kept.write(self._files, self._path, job)
        return job

    def note(self, job: Job, **changes: Any) -> Job:
        """The job with some fields changed."""
        changed = replace(job, **changes)
        kept.write(self._files, self._path, changed)
        return changed

    def part(self, job: Job) -> Path:
        """Where what was downloaded lies until it is whole."""
        return self._folder / f"{job.digest[:16]}.part"


def is_for(job: Job, desired: Desired) -> bool:
    """Whether the job in hand is this order."""
    return (job.digest, job.target, job.attempt, job.rollout) == (
        desired.release, desired.target, desired.attempt, desired.rollout,
    )  # fmt: skip
