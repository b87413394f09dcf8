"""A paho client as the settings want it; a new one for every connection: nothing old is sent again."""

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
    settings: BrokerSettings, client_id: str, protocol: str, will: tuple[str, bytes], callbacks: Callbacks
) -> Client:
    """Not yet connected; ``LinkError`` if a file of the settings cannot be used."""
    modern = protocol == "5"
    version: MQTTProtocolVersion = MQTTv5 if modern else MQTTv311
    client = Client(
        CallbackAPIVersion.VERSION2, client_id, None if modern else False, protocol=version,
        reconnect_on_failure=False,
    )  # fmt: skip
    # An exception in a callback would end the thread that keeps the connection.
    client.suppress_exceptions = True
    client.max_queued_messages_set(_QUEUE_MESSAGES)
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


def connect(client: Client, settings: BrokerSettings, protocol: str) -> None:
    """Begin to connect; the broker's answer comes through the callbacks. ``LinkError`` if nobody is there."""
    try:
        if protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _SESSION_S
            client.connect(
                settings.host, settings.port, settings.keepalive_s, clean_start=False, properties=properties
            )
        else:
            client.connect(settings.host, settings.port, settings.keepalive_s)
    except (OSError, ValueError) as error:
        raise LinkError(f"{settings.host}:{settings.port}: {error}") from error


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
