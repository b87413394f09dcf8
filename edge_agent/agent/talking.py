"""Wires the loudspeaker to the link: who is heard here, and what is told back. Loaded only where allowed."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from contract.codec.speech import codecs_here
from contract.floor import Floor
from contract.live import SoundPacket
from contract.record import Record
from contract.topics import HEARD, TALK, TURN, Topic
from contract.voice import Heard, Turn
from edge_agent.capture import Block
from edge_agent.mqtt import Link
from edge_agent.playback import Playing, make_sink
from edge_agent.settings import TalkSettings

HERE: Final = "here"
"""This node's own microphone, on the floor."""

_log = logging.getLogger("edge_agent.agent")


class Talking:
    """One plays at a time; while it does, and a moment longer, the microphone is not heard."""

    def __init__(self, settings: TalkSettings) -> None:
        self.codecs = codecs_here()
        self.link: Link | None = None
        self._sink = make_sink(settings)
        self._lock = threading.Lock()
        self._floor = Floor()
        self._playing: Playing | None = None

    @property
    def receives(self) -> Mapping[Topic, Callable[[Record], None]]:
        """What is subscribed to; called in the link's thread."""
        return {TURN: self._turn, TALK: self._packet}

    def hushed(self, block: Block) -> Block:
        """``block``, or silence of its length while the loudspeaker could be heard in it."""
        with self._lock:
            self._look()
            plays = self._floor.busy_for(HERE, time.monotonic())
        return replace(block, samples=np.zeros_like(block.samples)) if plays else block

    def stop(self, timeout_s: float = 0.5) -> None:
        """Nobody is heard any more."""
        playing = self._playing
        if playing is not None:
            playing.stop(timeout_s)

    def _turn(self, turn: Record) -> None:
        if not isinstance(turn, Turn):
            return
        with self._lock:
            self._look()
            playing = self._playing
            if turn.state == "theirs":
                self._begin(turn)
            elif turn.state == "over" and playing is not None and playing.session == turn.session:
                playing.end()

    def _begin(self, turn: Turn) -> None:
        before = self._playing
        if before is not None and before.session == turn.session:
            return
        if turn.codec not in self.codecs or turn.packet_ms is None:
            self._refuse(turn, f"does not understand {turn.codec}")
        elif before is not None and not before.ending:
            self._refuse(turn, "somebody else is talking")
        else:
            _log.info("somebody talks", extra={"who": turn.peer, "codec": turn.codec})
            self._playing = Playing(
                turn.session, turn.codec, turn.packet_ms, self._sink, self._tell, after=before
            )
            self._floor = Floor()
            self._playing.start()

    def _packet(self, packet: Record) -> None:
        if not isinstance(packet, SoundPacket):
            return
        with self._lock:
            playing = self._playing
        if playing is not None and playing.session == packet.session:
            playing.put(packet)

    def _look(self) -> None:
        """Hold the floor for what plays, and leave it when it has ended."""
        if self._playing is None:
            return
        if self._playing.over:
            self._floor.ask(self._playing.session, self._playing.ended_s)
            self._floor.leave(self._playing.session, self._playing.ended_s)
            self._playing = None
        else:
            self._floor.ask(self._playing.session, time.monotonic())

    def _refuse(self, turn: Turn, reason: str) -> None:
        self._tell(Heard(session=turn.session, refused=reason, ended=True))

    def _tell(self, heard: Heard) -> None:
        if self.link is not None:
            self.link.tell(HEARD, heard)
        if heard.ended:
            _log.info(
                "somebody has talked",
                extra={"session": heard.session, "played": heard.played, "lost": heard.lost,
                       "late": heard.late, "refused": heard.refused},
            )  # fmt: skip
