"""One way of an update: look at what is signed, download, verify, stage, self-test."""

import logging
import random
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from contract.updates import Desired
from edge_agent.update.download import Download, Wanted
from edge_agent.update.files import Files
from edge_agent.update.job import Job, Workbench, is_for
from edge_agent.update.outcomes import Outcome, Ready, Refused, Waiting
from edge_agent.update.phases import Facts, Move, next_move
from edge_agent.update.selftest import InterruptedTrialError, SelfTest, TrialError
from edge_agent.update.slots import digest_of
from edge_agent.update.source import FetchError, Source
from edge_agent.update.store import ModelStore
from edge_agent.update.trust import Signed, Trust, TrustError, UnlistedError
from edge_agent.versions import older_than

MOST_STRIKES: Final = 3
"""So often may a hash or signature be wrong, in one attempt: a bad link heals, an attack does not."""
_FIRST_WAIT_S: Final = 10.0
_LONGEST_WAIT_S: Final = 3600.0

_log = logging.getLogger("edge_agent.update")


class Tell(Protocol):
    """Hears how far an installation is: a word of ``contract.updates.PHASES``."""

    def __call__(  # noqa: D102
        self, phase: str, reason: str = "", done_bytes: int = 0, total_bytes: int = 0
    ) -> None: ...


class Installer:
    """Made by ``make_installer``; one thread at a time."""

    def __init__(
        self,
        store: ModelStore,
        trust: Trust,
        source: Callable[[Desired], Source],
        selftest: SelfTest,
        tell: Tell,
        *,
        node: str,
        agent_version: str,
        limit_bytes_per_s: int = 0,
        files: Files | None = None,
    ) -> None:
        self._store, self._trust, self._source, self._selftest = store, trust, source, selftest
        self._tell, self._node, self._version = tell, node, agent_version
        self._limit_bytes_per_s = limit_bytes_per_s
        self._files = files or Files()
        self._bench = Workbench(store.folder / "part", self._files)
        self._in_vain = 0
        self._unchanged = ""
        """Tag of an answer to what is desired that was nothing new."""

    def step(self, desired: Desired, stop: threading.Event) -> Outcome:
        """Bring ``desired.release`` as far as it goes now; blocks, for minutes on a slow link.

        ``stop`` may be set from elsewhere: this then returns ``Waiting`` soon, at the latest after the
        network's time-out of 20 s, and what was downloaded is kept. Call again with the same or another
        ``desired``, also after a restart: it goes on where it was. ``Refused`` has been remembered
        (``ModelStore.failed``). Raises nothing but ``ValueError`` for a ``desired`` without a release. Tells
        offered, downloading (again and again, with bytes), verified, staged, self_tested, refused. Puts
        nothing in service: ``ModelStore.begin_probation`` does.
        """
        if desired.release is None:
            raise ValueError("nothing is desired")
        known = self._store.failed(desired.release, desired.attempt)
        if known is not None:
            return Refused(reason=known)
        try:
            return self._go(desired, self._job(desired), stop)
        except FetchError as error:
            return self._wait(str(error), error.retry_s)
        except TrustError as error:
            return self._strike(desired, str(error))
        except (UnlistedError, TrialError) as error:
            return self._refuse(desired, str(error))
        except InterruptedTrialError:
            return Waiting(seconds=0.0, reason="interrupted")
        except OSError as error:
            return self._wait(f"the disk: {error.strerror or error}")

    def desired(self, last: Desired, stop: threading.Event) -> Desired | None:
        """What the aggregator wants now, asked where ``last`` says; None: no answer, or nothing later."""
        try:
            answer = self._source(last).desired(self._unchanged, stop)
        except FetchError as error:
            _log.info("no answer to what is desired", extra={"error": str(error)})
            return None
        if answer.desired is not None and answer.desired.serial > last.serial:
            return answer.desired
        self._unchanged = answer.tag
        return None

    def _go(self, desired: Desired, job: Job, stop: threading.Event) -> Outcome:
        source = self._source(desired)
        signed = self._trust.look(job.target, job.digest, source, stop)
        objection = object_to(signed.custom, self._node, self._version)
        if objection:
            raise UnlistedError(objection)
        while not stop.is_set():
            path = self._store.path_of(job.digest)
            part = self._download(job, signed)
            facts = Facts(
                signed_bytes=signed.size_bytes, part_bytes=part.size_bytes,
                staged=path is not None, tested=job.tested,
            )  # fmt: skip
            move = next_move(facts)
            if move is Move.READY and path is not None:
                self._in_vain = 0
                return Ready(digest=job.digest, path=path, custom=signed.custom)
            job = self._make(move, desired, job, signed, source, stop)
        return Waiting(seconds=0.0, reason="interrupted")

    def _make(
        self, move: Move, desired: Desired, job: Job, signed: Signed, source: Source, stop: threading.Event
    ) -> Job:
        if move is Move.TEST:
            return self._test(job, signed, stop)
        part = self._download(job, signed)
        if move is Move.VERIFY:
            self._stage(job)
        elif move is Move.DISCARD:
            part.discard()
        else:
            wanted = Wanted(
                path=f"targets/{job.digest}.{job.target}", signed=signed,
                limit_bytes_per_s=_slower(self._limit_bytes_per_s, desired.limit_bytes_per_s),
            )  # fmt: skip
            part.run(wanted, job.tag, source, stop, lambda tag: self._keep_tag(job, tag))
            self._in_vain = 0
        return self._bench.job() or job

    def _job(self, desired: Desired) -> Job:
        job = self._bench.job()
        if job is not None and is_for(job, desired):
            return job
        job = self._bench.begin(desired)
        self._tell("offered")
        return job

    def _download(self, job: Job, signed: Signed) -> Download:
        return Download(
            self._bench.part(job), self._files,
            lambda done: self._tell("downloading", done_bytes=done, total_bytes=signed.size_bytes),
        )  # fmt: skip

    def _keep_tag(self, job: Job, tag: str) -> None:
        self._bench.note(job, tag=tag)

    def _stage(self, job: Job) -> None:
        part = self._bench.part(job)
        if digest_of(part) != job.digest:
            self._files.remove(part)
            raise TrustError("what was downloaded is not what was signed")
        self._tell("verified")
        self._store.stage(part)
        self._tell("staged")

    def _test(self, job: Job, signed: Signed, stop: threading.Event) -> Job:
        path = self._store.path_of(job.digest)
        in_service = self._store.in_service()
        if path is None:
            return job
        reference = in_service.path if in_service.digest not in ("", job.digest) else None
        passed = self._selftest.run(path, reference, signed.custom, stop)
        _log.info(
            "self-test passed",
            extra={"model": passed.model, "cost_ms_per_s": round(passed.cost_ms_per_s, 2),
                   "memory_mb": round(passed.memory_mb, 1)},
        )  # fmt: skip
        job = self._bench.note(job, tested=True)
        self._tell("self_tested")
        return job

    def _wait(self, reason: str, retry_s: float = 0.0) -> Waiting:
        """Longer each time in vain, and never all nodes at once."""
        seconds = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**self._in_vain) * random.uniform(0.5, 1.0)  # noqa: S311
        self._in_vain = min(self._in_vain + 1, 12)
        _log.warning("the update waits", extra={"reason": reason})
        return Waiting(seconds=max(retry_s, seconds), reason=reason)

    def _strike(self, desired: Desired, reason: str) -> Outcome:
        job = self._bench.job()
        if job is None:
            return self._wait(reason)
        if job.strikes + 1 >= MOST_STRIKES:
            return self._refuse(desired, reason)
        try:
            self._bench.note(job, strikes=job.strikes + 1)
        except OSError as error:
            return self._wait(f"{reason}; the disk: {error.strerror or error}")
        return self._wait(reason)

    def _refuse(self, desired: Desired, reason: str) -> Refused:
        try:
            self._store.refuse(str(desired.release), desired.attempt, reason)
        except OSError as error:
            _log.error("a refusal cannot be remembered", extra={"error": str(error)})
        self._tell("refused", reason=reason)
        return Refused(reason=reason)


def object_to(custom: Mapping[str, Any], node: str, agent_version: str) -> str:
    """Why this node must not take a bundle of which this was signed; empty: it may.

    >>> object_to({"nodes": ["barn"]}, "roof", "1.0")
    'it was signed for other nodes than this'
    """
    nodes = custom.get("nodes")
    if nodes is not None and (not isinstance(nodes, list) or node not in nodes):
        return "it was signed for other nodes than this"
    least = custom.get("minimum_agent_version")
    if isinstance(least, str) and older_than(agent_version, least):
        return f"it needs agent {least} or later, this is {agent_version}"
    return ""


def _slower(one: int, other: int) -> int:
    """The lower of two limits, of which 0 is none."""
    return min(one, other) if one and other else one or other
