"""Wires live listening; loaded only by a node that may be listened to."""

import logging
import time

from contract.commands import Command
from contract.live import SoundPacket
from contract.topics import LIVE
from edge_agent.live import Broadcast, Indicator, codecs
from edge_agent.mqtt import Link
from edge_agent.settings import LiveSettings

_log = logging.getLogger("edge_agent.live")


class Broadcasting:
    """What the composition needs of it; the link comes into being after it, for it tells who listens."""

    def __init__(self, settings: LiveSettings) -> None:
        self.codecs = codecs(opus=settings.opus)
        self.link: Link | None = None
        self.broadcast = Broadcast(
            self.codecs, self._send, Indicator(settings.indicator_file, settings.indicator_program)
        )

    def receive(self, command: Command) -> None:
        """An order to listen, unless it comes too late."""
        if command.listen is None:
            return
        if command.expires_s < time.time():
            _log.warning("command has expired", extra={"action": command.action, "id": command.id})
            return
        self.broadcast.order(command.listen, command.issued_s)

    def stop(self) -> None:
        """Nobody listens any more."""
        self.broadcast.stop()

    def _send(self, packet: SoundPacket) -> bool:
        return self.link is not None and self.link.send_sound(LIVE, packet)
