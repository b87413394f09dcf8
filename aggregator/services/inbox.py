"""From bytes to messages, or to the reason why not. Pure."""

from dataclasses import dataclass
from typing import Final

from contract import topics, wire
from contract.errors import ContractError
from contract.record import Record
from contract.topics import Topic

PAYLOAD_BOUND_BYTES: Final = max(topic.limit_bytes for topic in topics.ALL)
"""So much of a quarantined message is kept: all of it, unless it was too large for any topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message as the broker delivered it."""

    topic: str
    payload: bytes
    retained: bool
    received_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A message that keeps to the contract."""

    incoming: Incoming
    node: str
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A message that does not, and as much of its origin as can be read."""

    incoming: Incoming
    reason: str
    node: str | None = None
    boot: str | None = None
    sequence: int | None = None


def read(namespace: str, incoming: Incoming) -> Accepted | Refused:
    """What ``incoming`` says. Raises nothing, whatever it holds."""
    try:
        node, topic = topics.parse_topic(namespace, incoming.topic)
    except ContractError as error:
        return Refused(incoming=incoming, reason=str(error))
    try:
        if not topic.from_node:
            return Refused(incoming=incoming, reason=f"{topic.kind}: is not for nodes to send", node=node)
        return Accepted(incoming=incoming, node=node, record=wire.decode(topic, incoming.payload))
    except ContractError as error:
        return refused(incoming, node, topic, str(error))
    except Exception as error:  # a fault of ours must not stop the messages behind it
        return refused(incoming, node, topic, f"internal: {type(error).__name__}: {error}")


def refused(incoming: Incoming, node: str, topic: Topic, reason: str) -> Refused:
    """A refusal that still tells boot and sequence where these can be read."""
    try:
        identity = wire.identity(topic, incoming.payload) if topic.durable else None
    except Exception:
        identity = None
    boot, sequence = identity or (None, None)
    return Refused(incoming=incoming, reason=reason, node=node, boot=boot, sequence=sequence)
