"""Lets a child process try a bundle, and judges what it says: what harms the child spares the agent."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge_agent.errors import UpdateError
from edge_agent.update.errand import Errand, ErrandError

_MB: Final = 1_000_000
REAL_TIME_MS_PER_S: Final = 700.0
"""A model that takes more than this of one core cannot keep up beside everything else."""


class TrialError(UpdateError):
    """The bundle must not be put in service; the text says why."""


class InterruptedTrialError(UpdateError):
    """Nothing is known of the bundle; try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What a bundle may take."""

    time_s: float = 60.0
    memory_mb: int = 128
    cost_factor_most: float = 2.0
    new_frontend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What was measured of a bundle that may be put in service."""

    model: str
    labels: tuple[str, ...]
    cost_ms_per_s: float
    """CPU time per second of sound."""
    reference_ms_per_s: float | None
    memory_mb: float


class SelfTest:
    """Tries bundles on this node."""

    def __init__(self, agent_version: str, allowed: Allowed) -> None:
        self._version, self._allowed = agent_version, allowed

    def run(
        self, path: Path, reference: Path | None, promised: Mapping[str, Any], stop: threading.Event
    ) -> Passed:
        """What was measured; ``TrialError``, or ``InterruptedTrialError`` once ``stop`` is set.

        ``reference`` is the bundle in service, ``promised`` what was signed of this one.
        """
        request = {
            "errand": "trial", "path": str(path), "reference": str(reference) if reference else None,
            "memory_bytes": self._allowed.memory_mb * _MB, "agent_version": self._version,
        }  # fmt: skip
        doing = "before it was loaded"
        try:
            with Errand(request, time_s=self._allowed.time_s, stop=stop) as errand:
                while True:
                    said = errand.receive()
                    doing = said.get("doing", doing)
                    if "doing" not in said:
                        return self._judge(said, promised)
        except ErrandError as error:
            if stop.is_set():
                raise InterruptedTrialError("interrupted") from error
            raise TrialError(f"the self-test {error} {doing}") from error

    def _judge(self, said: Mapping[str, Any], promised: Mapping[str, Any]) -> Passed:
        found = said.get("answer", said)
        if "refused" in found or "failed" in found:
            raise TrialError(f"self-test: {found.get('refused') or found['failed']}")
        for name in ("model", "labels", "frontend_digest"):
            if name in promised and promised[name] != found[name]:
                raise TrialError(f"its {name} is another than what was signed")
        other = found["reference_frontend_digest"]
        if other not in (None, found["frontend_digest"]) and not self._allowed.new_frontend:
            raise TrialError("its front end is another than that of the model in service")
        passed = Passed(
            model=found["model"], labels=tuple(found["labels"]), cost_ms_per_s=found["cost_ms_per_s"],
            reference_ms_per_s=found["reference_ms_per_s"], memory_mb=found["memory_bytes"] / _MB,
        )  # fmt: skip
        reason = too_much(passed, self._allowed)
        if reason:
            raise TrialError(f"self-test: {reason}")
        return passed


def too_much(passed: Passed, allowed: Allowed) -> str:
    """What a bundle takes too much of; empty: nothing."""
    cost, other = passed.cost_ms_per_s, passed.reference_ms_per_s or None
    if cost > REAL_TIME_MS_PER_S:
        return f"it takes {cost:.0f} ms of CPU time per second of sound, more than this node can spare"
    if other is not None and cost > allowed.cost_factor_most * other:
        return (
            f"it takes {cost:.1f} ms of CPU time per second of sound, {cost / other:.1f} times as much as the"
            f" model in service; at most {allowed.cost_factor_most:g} times is allowed"
        )
    if passed.memory_mb > allowed.memory_mb:
        return f"it takes {passed.memory_mb:.0f} MB of memory, at most {allowed.memory_mb} MB is allowed"
    return ""
