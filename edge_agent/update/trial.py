"""In the child: loads a bundle as the agent would, feeds it sound, and measures time and memory."""

import os
import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.errors import BundleError
from edge_agent.bundles import LoadedBundle, load_bundle
from edge_agent.errors import ModelError
from edge_agent.made_up_sound import made_up_sound
from edge_agent.pipeline import Pipeline, Tuning

LEAST_ROUNDS: Final = 3
MOST_ROUNDS: Final = 60
ENOUGH_MS: Final = 100.0
LONG_MS: Final = 5_000.0
SOUND_S: Final = 4.0
_BLOCK_SAMPLES: Final = 1280


class Hears(Protocol):
    """The agent, which hears what we are at, so that it can say so if we end."""

    def say(self, **plain: Any) -> None: ...  # noqa: D102


def trial(request: Mapping[str, Any], agent: Hears) -> Mapping[str, Any]:
    """What came of trying the bundle at ``path`` beside the one at ``reference``, if that is given.

    ``refused`` with the reason, or what its manifest says and what was measured.
    """
    sound = made_up_sound(SOUND_S)
    version = request["agent_version"]
    reference = _load(request["reference"], version)
    listens = Pipeline(reference, Tuning(thresholds={})) if reference else None
    if listens is not None:
        _round(listens, sound)
    begun_bytes = _peak_bytes()
    _limit_memory(request["memory_bytes"])
    agent.say(doing="while it was loaded")
    try:
        bundle = load_bundle(Path(request["path"]), version)
        candidate = Pipeline(bundle, Tuning(thresholds={}))
        agent.say(doing="while it listened")
        costs, finite = _costs(candidate, listens, sound)
    except (BundleError, ModelError) as error:
        # The runtime does not say that it ran out of memory, only that it failed.
        failed = isinstance(error, ModelError) or isinstance(error.__cause__, ModelError)
        perhaps = "; perhaps it wants more memory than it may have" if failed else ""
        return {"refused": f"{error}{perhaps}"}
    if not finite:
        return {"refused": "its posteriors are not finite numbers"}
    manifest = bundle.manifest
    return {
        "model": manifest.model, "labels": list(manifest.labels), "frontend_digest": manifest.frontend_digest,
        "memory_bytes": max(0, _peak_bytes() - begun_bytes), "cost_ms_per_s": costs[0],
        "reference_ms_per_s": costs[1],
        "reference_frontend_digest": reference.manifest.frontend_digest if reference else None,
    }  # fmt: skip


def _costs(
    candidate: Pipeline, reference: Pipeline | None, sound: NDArray[np.int16]
) -> tuple[tuple[float, float | None], bool]:
    """CPU time of both, in ms per second of sound, in turns; and whether all posteriors are finite.

    So many rounds that a clock with coarse ticks can tell.
    """
    ours_ms = other_ms = 0.0
    finite, rounds = True, 0
    while rounds < LEAST_ROUNDS or (rounds < MOST_ROUNDS and ours_ms < LONG_MS):
        cost_ms, good = _round(candidate, sound)
        ours_ms += cost_ms
        finite, rounds = finite and good, rounds + 1
        if reference is not None:
            other_ms += _round(reference, sound)[0]
        if rounds >= LEAST_ROUNDS and min(ours_ms, other_ms if reference else ours_ms) > ENOUGH_MS:
            break
    heard_s = rounds * SOUND_S
    return (ours_ms / heard_s, other_ms / heard_s if reference else None), finite


def _round(pipeline: Pipeline, sound: NDArray[np.int16]) -> tuple[float, bool]:
    """Milliseconds of CPU time for all of the sound."""
    begun_s, finite = time.process_time(), True
    for start in range(0, len(sound), _BLOCK_SAMPLES):
        for step in pipeline.feed(sound[start : start + _BLOCK_SAMPLES], start / RATE_HZ):
            finite = finite and bool(np.isfinite(step.posteriors).all())
    return (time.process_time() - begun_s) * 1000, finite


def _load(path: str | None, version: str) -> LoadedBundle | None:
    """None if there is no model in service that can be loaded, so nothing to compare with."""
    try:
        return load_bundle(Path(path), version) if path else None
    except BundleError:
        return None


def _limit_memory(more_bytes: int) -> None:
    """So much more than is taken now."""
    now_bytes = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (now_bytes + more_bytes, now_bytes + more_bytes))


def _peak_bytes() -> int:
    """Of this program alone: what ``getrusage`` says begins with the memory of whoever started it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
