"""A node without devices: a station, an outbox in memory, and sound that is handed to it block by block."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from contract.audio import HOP_SAMPLES, RATE_HZ
from contract.messages import Detection, Features
from contract.sampling import Sampling
from contract.topics import Topic
from edge_agent.agent.candidate import Candidate
from edge_agent.agent.event import Event
from edge_agent.agent.ledger import Ledger
from edge_agent.agent.publisher import Publisher
from edge_agent.agent.reporting import Identity
from edge_agent.agent.stage import Stage
from edge_agent.agent.station import Station
from edge_agent.agent.trial import Trial
from edge_agent.capture import Block
from edge_agent.outbox import Build, Counters
from edge_agent.pipeline import Step
from edge_agent.settings import PublishSettings
from edge_agent.swap import Limits
from tests.edge_agent.ramp import a_candidate, numbers_in, ramp

START_S = 1e9


class Shelf:
    """An outbox without a disk."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    @property
    def counters(self) -> Counters:
        return Counters(last_sequence=len(self.messages))

    def append(self, topic: Topic, build: Build) -> int:
        self.messages.append(build(len(self.messages) + 1))
        return len(self.messages)

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.messages if isinstance(message, kind)]


class Recording(Publisher):
    """Notes what the model in service has made."""

    def __init__(self, heard: list[np.ndarray[Any, Any]], *rest: Any, **others: Any) -> None:
        super().__init__(*rest, **others)
        self._all = heard

    def hear(self, step: Step) -> None:
        self._all.append(step.frames)
        super().hear(step)


class Around:
    connected = True
    behind_s = 0.0


class UpdateWorld:
    """Sound is a ramp, and goes on from one ``play`` to the next."""

    def __init__(self, folder: Path, first: Candidate, *, policy: str, sampling: Sampling) -> None:
        self._publish, self._sampling = PublishSettings(policy=policy), sampling
        self._ledger = Ledger(folder)
        self.shelf, self.around = Shelf(), Around()
        self.frames: list[np.ndarray[Any, Any]] = []
        """Of every step that was in service."""
        self.first = first
        self.station = Station(
            first.pipeline.pipeline, self.shelf, first.identity, self.make_publisher(first.identity)
        )
        self.stage = Stage(self.station)
        self.events: list[Event] = []
        self.clock_s = 0.0
        self._sound, self._at = ramp(32_000), 0

    def candidate(self, digest: str, **model: Any) -> Candidate:
        return a_candidate(self.first.identity.manifest, digest, **model)

    def make_publisher(self, identity: Identity) -> Publisher:
        publisher = Recording(
            self.frames, identity, self._publish, self._sampling, self._ledger, seed="attic"
        )
        publisher.set_policy(self._publish.policy)
        return publisher

    def try_out(self, candidate: Candidate, probation_s: float = 20.0, cost_factor: float = 1000.0) -> Trial:
        """The factor is so high because the models here cost next to nothing, and so now this, now that."""
        trial = Trial(
            self.station, self.first, candidate, self.make_publisher,
            Limits(probation_s=probation_s, cost_factor=cost_factor), self.around, self.events.append,
            steady_s=lambda: self.clock_s,
        )  # fmt: skip
        self.stage.invite(trial)
        return trial

    def play(self, hops: int, block: int = 1280) -> None:
        end = self._at + hops * HOP_SAMPLES
        for piece in self._pieces(end, block):
            self.clock_s += len(piece) / RATE_HZ
            self.stage.hear(Block(samples=piece, captured_s=START_S + self._at / RATE_HZ))

    def end(self) -> None:
        self.station.finish()

    @property
    def hops(self) -> int:
        """Played so far."""
        return self._at // HOP_SAMPLES

    @property
    def heard(self) -> list[int]:
        """The hops of every step that was in service."""
        return [number for frames in self.frames for number in numbers_in(frames)]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def published(self) -> list[int]:
        """The hops in the windows that left, in their order."""
        frames = [np.frombuffer(window.frames, np.int8).reshape(-1, 80) for window in self.shelf.of(Features)]
        return [number for part in frames for number in numbers_in(part)]

    def detected(self) -> list[tuple[str, int]]:
        """Label and hop of each detection's begin."""
        return [
            (message.label, round((message.start_s - START_S) * RATE_HZ / HOP_SAMPLES))
            for message in self.shelf.of(Detection)
        ]

    def _pieces(self, end: int, block: int) -> Iterator[np.ndarray[Any, np.dtype[np.int16]]]:
        while self._at < end:
            piece = self._sound[self._at : min(self._at + block, end)]
            self._at += len(piece)
            yield piece
