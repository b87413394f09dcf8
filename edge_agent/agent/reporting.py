"""The messages that an agent makes, each from what it is about."""

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from contract.audio import HOP_MS, HOP_SAMPLES, MEL_BINS, RATE_HZ
from contract.detector import Found
from contract.manifest import Manifest
from contract.messages import Birth, Detection, Features, Heartbeat
from contract.sampling import Sampling
from contract.topics import FEATURES
from contract.wire import encode
from edge_agent import health
from edge_agent.outbox import Counters
from edge_agent.pipeline import Step
from edge_agent.settings import Settings
from edge_agent.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which run of which agent with which model."""

    boot: str
    agent_version: str
    runtime: str
    manifest: Manifest
    bundle_digest: str
    thresholds: Mapping[str, float]
    """In force, per label that may be detected."""
    started_s: float

    def now(self) -> dict[str, Any]:
        """The fields that every message begins with."""
        return {"boot": self.boot, "wall_s": max(0.0, time.time()), "monotonic_s": time.monotonic()}

    @property
    def step_s(self) -> float:
        """Time per posterior."""
        return self.manifest.step_frames * HOP_SAMPLES / RATE_HZ


def birth(
    identity: Identity, settings: Settings, policy: str, sampling: Sampling, listening: tuple[str, ...] = (),
    talking: tuple[str, ...] = (),
) -> Birth:  # fmt: skip
    """What the node is and runs."""
    manifest = identity.manifest
    in_force = [identity.thresholds.get(label) for label in manifest.labels]
    return Birth(
        **identity.now(),
        agent_version=identity.agent_version,
        model=manifest.model,
        bundle_digest=identity.bundle_digest,
        frontend_digest=manifest.frontend_digest,
        labels=manifest.labels,
        thresholds=tuple(value if value is not None and value < 1 else None for value in in_force),
        step_ms=manifest.step_frames * HOP_MS,
        publish=policy,
        sampling=sampling,
        input=settings.input.description,
        runtime=identity.runtime,
        platform=f"{platform.machine()} {platform.system()} {platform.release()}"[:200],
        site=settings.node.site,
        tags=settings.node.tags,
        started_s=identity.started_s,
        clock_synced=health.clock_synced(),
        takes_updates=settings.update.active,
        listening=listening,
        talking=talking,
    )


def detection(identity: Identity, step: Step, found: Found, level_dbfs: float) -> Callable[[int], Detection]:
    """How to make the message of a detection that was reported with ``step``."""
    steps = found.end_step - found.start_step + 1
    now = identity.now()

    def build(sequence: int) -> Detection:
        return Detection(
            **now,
            sequence=sequence,
            model=identity.manifest.model,
            frontend_digest=identity.manifest.frontend_digest,
            label=found.label,
            posterior=found.posterior,
            threshold=found.threshold,
            start_s=max(0.0, step.end_s - steps * identity.step_s),
            end_s=max(0.0, step.end_s),
            level_dbfs=level_dbfs,
        )

    return build


def features(identity: Identity, window: Window) -> Callable[[int], Features]:
    """How to make the message of a window."""
    now = identity.now()
    posteriors = np.rint(window.posteriors.clip(0, 1) * 255).astype(np.uint8).tobytes()

    def build(sequence: int) -> Features:
        return Features(
            **now,
            sequence=sequence,
            model=identity.manifest.model,
            frontend_digest=identity.manifest.frontend_digest,
            reason=window.reason,
            detection=window.detection,
            start_s=max(0.0, window.start_s),
            hop_ms=HOP_MS,
            mel_bins=MEL_BINS,
            frames=window.frames.tobytes(),
            step_ms=identity.manifest.step_frames * HOP_MS,
            labels=identity.manifest.labels,
            posteriors=posteriors,
        )

    return build


def features_bytes(identity: Identity, window: Window) -> int:
    """Size of the message of a window, at most: sequences of any length are reckoned as the longest."""
    return len(encode(FEATURES, features(identity, window)(2**53)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """How listening goes."""

    levels_dbfs: tuple[float, ...]
    peak_dbfs: float
    input_state: str
    heard_s: float
    overruns: int


def heartbeat(
    identity: Identity,
    hearing: Hearing,
    counters: Counters,
    *,
    cpu_percent: float,
    disk_free_bytes: int,
    problems: tuple[str, ...],
) -> Heartbeat:
    """Level and health now."""
    return Heartbeat(
        **identity.now(),
        levels_dbfs=hearing.levels_dbfs,
        peak_dbfs=hearing.peak_dbfs,
        input_state=hearing.input_state,
        heard_s=hearing.heard_s,
        overruns=hearing.overruns,
        cpu_percent=cpu_percent,
        rss_bytes=health.rss_bytes(),
        temperature_c=health.temperature_c(),
        disk_free_bytes=disk_free_bytes,
        outbox_rows=counters.rows,
        outbox_bytes=counters.size_bytes,
        last_sequence=counters.last_sequence,
        dropped=counters.dropped,
        clock_synced=health.clock_synced(),
        problems=problems,
    )
