"""A sound in which every sample is known, and models that say what of it they have heard.

The sound is a ramp; the second sample of each hop is the hop's number instead. The front end writes the
number, and the first and last sample, into the frame; the classifier hears ``yes`` where it is told to.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES, MEL_BINS
from contract.manifest import Manifest
from edge_agent.agent.candidate import Candidate
from edge_agent.agent.reporting import Identity
from edge_agent.bundles import LoadedBundle, Parity
from edge_agent.pipeline import Pipeline, Tuning
from edge_agent.swap import Measured

LABELS = ("yes", "no", "_other_")
Spans = Sequence[tuple[int, int]]


def ramp(hops: int) -> NDArray[np.int16]:
    """(hops * 320,)"""
    sound = np.arange(hops * HOP_SAMPLES).astype(np.uint16).view(np.int16).reshape(hops, HOP_SAMPLES).copy()
    sound[:, 1] = np.arange(hops)
    return sound.reshape(-1)


def numbers_in(frames: NDArray[np.int8]) -> list[int]:
    """The hops that frames were made of; each must have been a whole one."""
    found = []
    for row in frames:
        if not row.any():
            continue  # the last run is filled up with silence
        index = int.from_bytes(row[:2].tobytes(), "little")
        first, last = row[6:8].tobytes(), row[8:10].tobytes()
        assert first == ramp_value(index * HOP_SAMPLES)
        assert last == ramp_value(index * HOP_SAMPLES + HOP_SAMPLES - 1)
        found.append(index)
    return found


def ramp_value(sample: int) -> bytes:
    return (sample % 65_536).to_bytes(2, "little")


class Front:
    """A hop per run."""

    def __init__(self) -> None:
        self.inputs = {
            "pcm": SimpleNamespace(shape=(1, HOP_SAMPLES), dtype=np.dtype(np.int16)),
            "state": SimpleNamespace(shape=(1, 1), dtype=np.dtype(np.float32)),
        }

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        hop = feeds["pcm"].reshape(-1)
        row = np.zeros(MEL_BINS, np.int8)
        row[:2] = np.frombuffer(hop[1:2].tobytes(), np.int8)
        row[6:8] = np.frombuffer(hop[:1].tobytes(), np.int8)
        row[8:10] = np.frombuffer(hop[-1:].tobytes(), np.int8)
        return {"features": row.reshape(1, 1, -1), "state_out": feeds["state"]}


class Hearing:
    """Hears ``yes`` in some hops, ``delay`` hops late; may be broken in one of several ways."""

    def __init__(
        self, step_frames: int, yes: Spans, delay: int, broken: str, no: Spans, from_hop: int
    ) -> None:
        self._step, self._yes, self._no, self._delay = step_frames, yes, no, delay
        self._broken, self._from_hop = broken, from_hop
        self.inputs = {"features": SimpleNamespace(shape=(1, step_frames, MEL_BINS), dtype=np.dtype(np.int8))}
        self.outputs = {"posteriors": SimpleNamespace(shape=(1, 1, 3), scale=1.0, zero_point=0)}

    def resize(self, name: str, shape: tuple[int, ...]) -> None:
        self.inputs[name] = SimpleNamespace(shape=shape, dtype=np.dtype(np.int8))

    def reset(self) -> None:
        """It keeps nothing."""

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        frames = feeds["features"].reshape(-1, self._step, MEL_BINS)
        return {"posteriors": np.array([[self._row(step) for step in frames]], np.float32)}

    def _row(self, frames: NDArray[np.int8]) -> list[float]:
        hop = int.from_bytes(frames[-1, :2].tobytes(), "little") - self._delay
        earliest = hop - len(frames) + 1
        yes, no = (
            any(first <= hop and earliest <= last for first, last in spans) for spans in (self._yes, self._no)
        )
        if self._broken and hop >= self._from_hop:
            return self._break(hop)
        if not yes and not no:
            return [0.05 + hop % 7 / 100, 0.02, 0.9]
        return [0.9, 0.05, 0.05] if yes else [0.05, 0.9, 0.05]

    def _break(self, hop: int) -> list[float]:
        if self._broken == "slow":
            burn(0.02)
        if self._broken == "raises":
            raise ValueError("a tensor is not what it should be")
        rows = {
            "nan": [float("nan"), 0.5, 0.5], "constant": [0.3, 0.3, 0.4], "garbage": [-3.0, 17.0, 0.5],
            "slow": [0.05 + hop % 7 / 100, 0.02, 0.9],
            "dull": [0.01 + hop % 9 / 200, 0.0, 0.9],
            "deaf": [0.01 + hop % 9 / 50, 0.0, 0.8], "flood": [0.9 * (hop // 8 % 2), 0.1, 0.0],
        }  # fmt: skip
        return rows[self._broken]


def burn(seconds: float) -> None:
    """Processor time of this thread, whatever else the machine does."""
    until_s = time.thread_time() + seconds
    while time.thread_time() < until_s:
        pass


def a_candidate(
    manifest: Manifest,
    digest: str,
    *,
    step_frames: int = 4,
    yes: Spans = (),
    no: Spans = (),
    delay: int = 0,
    broken: str = "",
    from_hop: int = 0,
    context_s: float = 1.0,
    refractory_s: float = 0.6,
    labels: tuple[str, ...] = LABELS,
) -> Candidate:
    """``manifest`` lends what is not of interest."""
    changed = replace(
        manifest, labels=labels, thresholds={label: 0.5 for label in labels if not label.startswith("_")},
        step_frames=step_frames, context_s=context_s, refractory_s=refractory_s, smoothing_s=0.0,
        version=digest[:4],
    )  # fmt: skip
    bundle = LoadedBundle(
        manifest=changed, digest=digest, preprocess=Front(),  # type: ignore[arg-type]
        classifier=Hearing(step_frames, yes, delay, broken, no, from_hop),  # type: ignore[arg-type]
        parity=Parity(feature_steps=0, posterior=0.0),
    )  # fmt: skip
    pipeline = Pipeline(bundle, Tuning(thresholds={}))
    identity = Identity(
        boot="a" * 16, agent_version="1", runtime="none", manifest=changed, bundle_digest=digest,
        thresholds=changed.thresholds, started_s=1,
    )  # fmt: skip
    return Candidate(pipeline=Measured(pipeline), identity=identity)
