"""A paho client as the settings want it; a new one for every connection: nothing old is sent again."""

import socket
import ssl
from collections.abc import Callable
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.errors import EdgeError
from edge_agent.settings import BrokerSettings

_QUEUE_MESSAGES: Final = 1000
_UNSENT_BYTES: Final = 4096
"""So much may wait in the kernel; a second of sound is less."""
_SESSION_S: Final = 3600
"""How long the broker keeps commands for a node that is away."""


class LinkError(EdgeError):
    """The broker cannot be reached, or refuses."""


class Callbacks:
    """What a connection tells; called in paho's thread."""

    def __init__(
        self,
        on_accepted: Callable[[], None],
        on_refused: Callable[[str], None],
        on_lost: Callable[[str], None],
        on_message: Callable[[str, bytes], None],
    ) -> None:
        self.on_accepted, self.on_refused = on_accepted, on_refused
        self.on_lost, self.on_message = on_lost, on_message


def make_client(
    settings: BrokerSettings,
    client_id: str,
    protocol: str,
    will: tuple[str, bytes] | None,
    callbacks: Callbacks,
) -> Client:
    """Not yet connected; ``LinkError`` if a file of the settings cannot be used.

    Without a ``will`` nobody learns of its end, and nothing is kept for it.
    """
    modern = protocol == "5"
    version: MQTTProtocolVersion = MQTTv5 if modern else MQTTv311
    client = Client(
        CallbackAPIVersion.VERSION2, client_id, None if modern else will is None, protocol=version,
        reconnect_on_failure=False,
    )  # fmt: skip
    # An exception in a callback would end the thread that keeps the connection.
    client.suppress_exceptions = True
    client.max_queued_messages_set(_QUEUE_MESSAGES)
    if will is not None:
        client.will_set(will[0], will[1], qos=1, retain=True)
    _secure(client, settings)

    def on_connect(_client: Client, _data: Any, _flags: Any, reason: ReasonCode, _props: Any) -> None:
        if reason.is_failure:
            callbacks.on_refused(str(reason))
        else:
            callbacks.on_accepted()

    def on_disconnect(_client: Client, _data: Any, _flags: Any, reason: ReasonCode, _props: Any) -> None:
        callbacks.on_lost(str(reason))

    def on_message(_client: Client, _data: Any, message: MQTTMessage) -> None:
        callbacks.on_message(message.topic, bytes(message.payload))

    client.on_connect, client.on_disconnect, client.on_message = on_connect, on_disconnect, on_message
    return client


def connect(client: Client, settings: BrokerSettings, protocol: str, *, session_s: int = _SESSION_S) -> None:
    """Begin to connect; the broker's answer comes through the callbacks. ``LinkError`` if nobody is there.

    What comes while the client is away is kept for ``session_s``.
    """
    try:
        if protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = session_s
            client.connect(
                settings.host, settings.port, settings.keepalive_s,
                clean_start=not session_s, properties=properties,
            )  # fmt: skip
        else:
            client.connect(settings.host, settings.port, settings.keepalive_s)
        _hasten(client)
    except (OSError, ValueError) as error:
        raise LinkError(f"{settings.host}:{settings.port}: {error}") from error


def _hasten(client: Client) -> None:
    """Small packets leave at once, and what waits does so here, where it is seen, not in the kernel."""
    line: Any = client.socket()
    if line is not None:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)


def make_context(settings: BrokerSettings) -> ssl.SSLContext:
    """How the broker is verified, and the node shows who it is; ``OSError`` if a file cannot be used."""
    context = ssl.create_default_context(cafile=str(settings.ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.cert_file is not None:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return context


def _secure(client: Client, settings: BrokerSettings) -> None:
    try:
        if settings.username:
            client.username_pw_set(settings.username, _password(settings))
        if settings.ca_file is not None:
            client.tls_set_context(make_context(settings))
    except (OSError, ValueError) as error:
        raise LinkError(f"credentials: {error}") from error


def _password(settings: BrokerSettings) -> str | None:
    if settings.password_file is None:
        return None
    lines = settings.password_file.read_text().splitlines()
    return lines[0] if lines else ""
