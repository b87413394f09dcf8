"""The connection to the broker: made, lost, made again. All in the thread that calls ``turn``."""

import logging
import random
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from aggregator.errors import SettingsError
from aggregator.settings import Settings

SHORTEST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 30.0
HANDSHAKE_S: Final = 10.0
UNANSWERED_LIMIT: Final = 2
SESSION_EXPIRY_S: Final = 7 * 86_400
LARGEST_PACKET_BYTES: Final = 4_000_000
"""The broker keeps larger ones to itself; the contract's topics allow far less."""

_log = logging.getLogger(__name__)


class Link:
    """A client that connects, and connects again with jitter, while it is given turns."""

    def __init__(
        self,
        settings: Settings,
        *,
        filters: list[str],
        receive_maximum: int,
        on_message: Callable[[Any], None],
        on_ready: Callable[[], None],
        client_id: str = "",
        lasting: bool = True,
    ) -> None:
        """``client_id`` takes the place of the one in the settings; what is not ``lasting`` leaves no session
        with the broker."""
        self._settings = settings
        self._client_id, self._lasting = client_id or settings.client_id, lasting
        self._filters = filters
        self._receive_maximum = receive_maximum
        self._on_message = on_message
        self._on_ready = on_ready
        self._version_5 = settings.broker.protocol != "3.1.1"
        self._client: paho.Client | None = None
        self._failures = 0
        self._unanswered = 0
        self._next_try_s = 0.0
        self._handshake_until_s = 0.0
        self._welcomed = False
        self.generation = 0
        """Rises with each connection: what belongs to an earlier one is void."""

    @property
    def connected(self) -> bool:
        """Whether the broker has welcomed this client."""
        return self._welcomed

    @property
    def version_5(self) -> bool:
        """Whether the connection speaks MQTT 5."""
        return self._version_5

    @property
    def idle(self) -> bool:
        """Whether everything that was published has left: there is room for what can wait."""
        return self._client is not None and self._welcomed and not self._client.want_write()

    def turn(self, timeout_s: float) -> None:
        """Wait at most ``timeout_s`` for the network and do what is due: read, write, connect."""
        if self._client is None:
            self._connect_or_wait(timeout_s)
            return
        try:
            result = self._client.loop(timeout_s)
        except Exception:  # what the library makes of a malformed packet must not end the program
            _log.exception("the connection to the broker fails")
            result = paho.MQTT_ERR_PROTOCOL
        late = not self._welcomed and time.monotonic() > self._handshake_until_s
        if result != paho.MQTT_ERR_SUCCESS or late:
            self._reconsider_version()
            self._lost(paho.error_string(result) if result else "no answer to the greeting")

    def publish(
        self, topic: str, payload: bytes, *, qos: int, expiry_s: float | None = None, retain: bool = False
    ) -> bool:
        """Hand a message to the connection; False if there is none or it is overfull. What the broker shall
        ``retain`` for whoever comes later does not expire."""
        if self._client is None or not self._welcomed:
            return False
        properties = None
        if self._version_5 and expiry_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = max(1, int(expiry_s))
        sent = self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        return sent.rc == paho.MQTT_ERR_SUCCESS

    def acknowledge(self, mid: int, generation: int) -> None:
        """Tell the broker that a message need not be delivered again, if it came on this connection."""
        if self._client is not None and generation == self.generation:
            self._client.ack(mid, 1)

    def drop(self, reason: str) -> None:
        """End the connection, so that the broker delivers again what was not acknowledged."""
        if self._client is not None:
            self._lost(reason)

    def close(self) -> None:
        """Send what waits, then leave in good order. The session stays with the broker."""
        if self._client is None:
            return
        for _ in range(100):
            if not self._client.want_write() or self._client.loop(0.01) != paho.MQTT_ERR_SUCCESS:
                break
        self._client.disconnect()
        self._end()

    def _connect_or_wait(self, timeout_s: float) -> None:
        wait_s = self._next_try_s - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, timeout_s))
            return
        broker = self._settings.broker
        self._client = self._make()
        self._handshake_until_s = time.monotonic() + HANDSHAKE_S
        try:
            self._client.connect(
                broker.host,
                broker.port,
                keepalive=broker.keepalive_s,
                **self._session(),
            )
            self._hasten(self._client.socket())
        except (OSError, ValueError) as error:
            self._lost(str(error))

    def _session(self) -> dict[str, Any]:
        if not self._version_5:
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S if self._lasting else 0
        properties.ReceiveMaximum = self._receive_maximum
        properties.MaximumPacketSize = LARGEST_PACKET_BYTES
        return {"clean_start": not self._lasting, "properties": properties}

    def _hasten(self, line: Any) -> None:
        """Small packets leave at once."""
        if line is not None:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _make(self) -> paho.Client:
        broker = self._settings.broker
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=paho.MQTTv5 if self._version_5 else paho.MQTTv311,
            clean_session=None if self._version_5 else not self._lasting,
            manual_ack=True,
        )
        if broker.username:
            client.username_pw_set(broker.username, broker.password or None)
        if broker.tls:
            client.tls_set_context(_tls(self._settings))
        client.connect_timeout = 5.0
        client.max_inflight_messages_set(1000)
        client.max_queued_messages_set(10_000)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = lambda _client, _userdata, message: self._on_message(message)
        return client

    def _on_connect(self, client: paho.Client, _userdata: Any, _flags: Any, reason: Any, _: Any) -> None:
        if reason.is_failure:
            _log.error("the broker refuses this client: %s", reason)
            if reason == "Unsupported protocol version":
                self._unanswered = UNANSWERED_LIMIT
            return
        self._welcomed = True
        self._failures = self._unanswered = 0
        # Always: a session that the broker still has may lack a topic that this version added.
        client.subscribe([(name, 1) for name in self._filters])
        _log.info(
            "connected to the broker at %s:%d, MQTT %s",
            self._settings.broker.host,
            self._settings.broker.port,
            "5" if self._version_5 else "3.1.1",
        )

    def _on_subscribe(
        self, _client: paho.Client, _userdata: Any, _mid: int, reasons: list[Any], _: Any
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            _log.error("the broker does not let this client read the nodes' topics: %s", refused[0])
        else:
            _log.info("listening to the nodes")
            self._on_ready()

    def _reconsider_version(self) -> None:
        """A broker that closes the line instead of answering may know only the other version of MQTT."""
        if self._settings.broker.protocol != "auto" or self._welcomed:
            return
        self._unanswered += 1
        if self._unanswered >= UNANSWERED_LIMIT:
            self._unanswered = 0
            self._version_5 = not self._version_5

    def _lost(self, reason: str) -> None:
        self._failures += 1
        longest_s = min(SHORTEST_WAIT_S * 2.0 ** min(self._failures, 10), LONGEST_WAIT_S)
        wait_s = random.uniform(SHORTEST_WAIT_S, longest_s)  # noqa: S311 - spreads clients, guards nothing
        self._next_try_s = time.monotonic() + wait_s
        _log.warning("no connection to the broker (%s), next try in %.1f s", reason, wait_s)
        self._end()

    def _end(self) -> None:
        client, self._client = self._client, None
        self._welcomed = False
        self.generation += 1
        if client is not None:
            client.on_message = None
            line = client.socket()
            if line is not None:
                line.close()


def _tls(settings: Settings) -> ssl.SSLContext:
    broker = settings.broker
    try:
        context = ssl.create_default_context(cafile=broker.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if broker.certificate_file:
            context.load_cert_chain(broker.certificate_file, broker.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"broker: TLS files cannot be used: {error}") from error
    return context
