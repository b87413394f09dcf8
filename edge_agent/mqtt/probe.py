"""Whether the broker answers, for ``edge-agent check``."""

import contextlib
import socket
import threading
from typing import Final

from edge_agent.mqtt.client import Callbacks, LinkError, connect, make_client, make_context
from edge_agent.settings import BrokerSettings

_ANSWER_S: Final = 5.0
_REFUSAL_S: Final = 1.0


def probe(settings: BrokerSettings, node: str) -> str:
    """The protocol that the broker accepts us with; ``LinkError`` says why it does not.

    Under a name of its own, so that an agent that is running keeps its connection.
    """
    if settings.cert_file is not None:
        return _shake(settings)
    last = LinkError("not tried")
    for protocol in ("5", "3.1.1") if settings.protocol == "auto" else (settings.protocol,):
        try:
            _try(settings, f"soundpost-check-{node}", protocol)
        except LinkError as error:
            last = error
        else:
            return protocol
    raise last


def _shake(settings: BrokerSettings) -> str:
    """Only as far as the broker's word on our certificate: its name is the client id as well there, and a
    second connection would end the agent's."""
    try:
        context = make_context(settings)
        with (
            socket.create_connection((settings.host, settings.port), timeout=_ANSWER_S) as line,
            context.wrap_socket(line, server_hostname=settings.host) as stream,
        ):
            stream.settimeout(_REFUSAL_S)
            with contextlib.suppress(TimeoutError):  # the refusal of a certificate comes after the handshake
                if not stream.recv(1):
                    raise LinkError("the broker hangs up")
            return f"5, {stream.version()} with our certificate"
    except OSError as error:
        raise LinkError(f"{settings.host}:{settings.port}: {error}") from error


def _try(settings: BrokerSettings, client_id: str, protocol: str) -> None:
    answered = threading.Event()
    refusals: list[str] = []

    def refuse(reason: str) -> None:
        refusals.append(reason)
        answered.set()

    callbacks = Callbacks(answered.set, refuse, refuse, lambda _name, _content: None)
    client = make_client(settings, client_id, protocol, None, callbacks)
    connect(client, settings, protocol, session_s=0)
    client.loop_start()
    try:
        if not answered.wait(_ANSWER_S):
            raise LinkError("the broker does not answer")
        if refusals:
            raise LinkError(f"the broker refuses: {refusals[0]}")
    finally:
        client.disconnect()
        client.loop_stop()
