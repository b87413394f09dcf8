"""A connection of the dashboard's own for sound: packets come in as they come, and orders to nodes go out."""

import logging
import secrets
import threading
import time
from typing import Any, Final

from aggregator.domain.live_rates import wire_bytes
from aggregator.mqtt.link import Link
from aggregator.services.live_streams import Receiver
from aggregator.settings import Settings
from contract import topics, wire
from contract.errors import ContractError
from contract.live import SoundPacket

TURN_S: Final = 0.02
"""An order waits no longer than this."""
LINGER_S: Final = 30.0
"""The connection is kept for so long after the last listener: the next one need not wait for it."""

_log = logging.getLogger(__name__)


class SoundLink:
    """Connects when somebody listens, and leaves a while after nobody does. One thread does it all."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._namespace = settings, settings.fleet.namespace
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._receiver: Receiver | None = None
        self._last_s = 0.0
        """When it was wanted last, by the steady clock."""
        self._ready = -1
        """Generation of the connection that hears nodes."""

    def carry(self, receiver: Receiver) -> None:
        """Begin to, if that does not happen yet."""
        with self._lock:
            self._receiver, self._last_s = receiver, time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sound-link", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        link = self._make()
        while True:
            try:
                link.turn(TURN_S)
                if self._receiver is not None and self._receiver.wanted:
                    self._last_s = time.monotonic()
                    self._order(link, self._receiver)
            except Exception:  # the thread must live, whatever a library or a packet makes it raise
                _log.exception("live sound is disturbed")
                time.sleep(TURN_S)
            with self._lock:
                if time.monotonic() - self._last_s > LINGER_S:
                    self._thread = None
                    break
        link.close()

    def _order(self, link: Link, receiver: Receiver) -> None:
        if not link.connected or self._ready != link.generation:
            return
        for node, command in receiver.orders():
            name = topics.topic_name(self._namespace, node, topics.COMMAND)
            expiry_s = command.expires_s - command.issued_s
            link.publish(
                name, wire.encode(topics.COMMAND, command), qos=topics.COMMAND.qos, expiry_s=expiry_s
            )

    def _make(self) -> Link:
        def ready() -> None:
            self._ready = link.generation

        link = Link(
            self._settings,
            filters=[topics.from_all_nodes(self._namespace, topics.LIVE)],
            receive_maximum=1000,
            on_message=self._on_message,
            on_ready=ready,
            client_id=f"{self._settings.client_id}-sound-{secrets.token_hex(4)}",
            lasting=False,
        )
        return link

    def _on_message(self, message: Any) -> None:
        try:
            node, topic = topics.parse_topic(self._namespace, message.topic)
            packet = wire.decode_as(SoundPacket, topic, message.payload)
        except (ContractError, UnicodeDecodeError) as error:
            _log.warning("a packet of sound is refused: %s", error)
            return
        if self._receiver is not None:
            self._receiver.packet(node, packet, wire_bytes(message.topic, len(message.payload)))
