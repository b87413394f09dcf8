"""A connection that notes what the broker answers: for looking at a broker, and for taking over a session."""

import ssl
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from aggregator.errors import BrokerError

ANSWER_S: Final = 20.0
HUNG_UP: Final = "hung up"
NO_ANSWER: Final = "no answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where a broker listens, and by whose certificate it is known."""

    host: str
    port: int
    authority: bytes
    """PEM."""

    def context(self, identity: bytes | None) -> ssl.SSLContext:
        """How to connect with ``identity``, key and certificate in one (PEM); None: without any."""
        made = ssl.create_default_context(cadata=self.authority.decode("ascii"))
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if identity is not None:
            with tempfile.NamedTemporaryFile() as file:  # readable by the owner alone
                file.write(identity)
                file.flush()
                made.load_cert_chain(file.name)
        return made


class Caller:
    """One connection with MQTT 5, in which refusals come with their reason. Use it as a context."""

    def __init__(self, door: Door, identity: bytes | None, *, client_id: str) -> None:
        self._door = door
        self._changed = threading.Condition()
        self._answers: dict[int, list[str]] = {}
        self._welcome: str | None = None
        self._ended = False
        self.heard: list[tuple[str, bytes]] = []
        """Topic and content of what came, in order."""
        self.largest_packet_bytes: int | None = None
        """What the broker takes at most; None: it does not say."""
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5, reconnect_on_failure=False
        )
        client.suppress_exceptions = True
        client.connect_timeout = ANSWER_S
        client.tls_set_context(door.context(identity))
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_publish = lambda _c, _d, mid, reason, _p: self._answer(mid, [reason])
        client.on_subscribe = lambda _c, _d, mid, reasons, _p: self._answer(mid, reasons)
        client.on_message = self._on_message

    def __enter__(self) -> Self:
        """Connected. ``BrokerError`` if the broker is away, or does not let this identity in."""
        try:
            self._client.connect(self._door.host, self._door.port)
        except (OSError, ValueError) as error:
            raise BrokerError(f"{self._door.host}:{self._door.port}: {error}") from error
        self._client.loop_start()
        welcome = self._await(lambda: self._welcome or (HUNG_UP if self._ended else None))
        if welcome != "Success":
            self.close()
            raise BrokerError(f"{self._door.host}:{self._door.port}: refused: {welcome}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave in good order."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def ended(self) -> bool:
        """Whether the broker has ended the connection."""
        return self._ended

    def publish(self, topic: str, content: bytes) -> str:
        """The broker's word on a message with QoS 1: Success, No matching subscribers, Not authorized, …"""
        return self._wait_for(self._client.publish(topic, content, qos=1).mid)

    def subscribe(self, topic: str) -> str:
        """Its word on a subscription with QoS 1."""
        return self._wait_for(self._client.subscribe(topic, qos=1)[1])

    def wait_until(self, true: Callable[[], bool], timeout_s: float = ANSWER_S) -> bool:
        """Whether it became ``true`` in time; it is looked at whenever the broker has said something."""
        with self._changed:
            return self._changed.wait_for(true, timeout=timeout_s)

    def _wait_for(self, mid: int | None) -> str:
        if mid is None:
            return NO_ANSWER
        return self._await(
            lambda: self._answers[mid][0] if mid in self._answers else HUNG_UP if self._ended else None
        )

    def _await(self, answer: Callable[[], str | None]) -> str:
        self.wait_until(lambda: answer() is not None)
        return answer() or NO_ANSWER

    # Called in the library's thread.

    def _answer(self, mid: int, reasons: Any) -> None:
        with self._changed:
            self._answers[mid] = [str(reason) for reason in reasons]
            self._changed.notify_all()

    def _on_connect(self, _c: Any, _d: Any, _flags: Any, reason: Any, properties: Any) -> None:
        with self._changed:
            self._welcome = str(reason)
            self.largest_packet_bytes = getattr(properties, "MaximumPacketSize", None)
            self._changed.notify_all()

    def _on_disconnect(self, *_: Any) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _on_message(self, _c: Any, _d: Any, message: paho.MQTTMessage) -> None:
        with self._changed:
            self.heard.append((message.topic, bytes(message.payload)))
            self._changed.notify_all()
