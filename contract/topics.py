"""Every MQTT topic, with the quality of service and the retain flag that belong to it.

``<namespace>/v1/<node>/<kind>``. Retained are only birth, state and what is desired: they are
facts, the rest are events.
"""

from dataclasses import dataclass
from typing import Final

from contract.checks import NAME
from contract.errors import WireError

VERSION: Final = "v1"
DEFAULT_NAMESPACE: Final = "soundpost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One kind of message."""

    kind: str
    qos: int
    retain: bool
    from_node: bool
    durable: bool
    """Whether it goes through the outbox and is acknowledged by the aggregator."""
    limit_bytes: int
    meaning: str


BIRTH: Final = Topic(
    kind="birth", qos=1, retain=True, from_node=True, durable=False, limit_bytes=64_000,
    meaning="what the node is and runs, sent whenever it connects",
)  # fmt: skip
STATE: Final = Topic(
    kind="state", qos=1, retain=True, from_node=True, durable=False, limit_bytes=2_000,
    meaning="whether the node is connected; the broker publishes its last will here",
)  # fmt: skip
HEARTBEAT: Final = Topic(
    kind="heartbeat", qos=0, retain=False, from_node=True, durable=False, limit_bytes=8_000,
    meaning="sound level and the node's own health, every few seconds",
)  # fmt: skip
DETECTION: Final = Topic(
    kind="detection", qos=1, retain=False, from_node=True, durable=True, limit_bytes=8_000,
    meaning="a label whose smoothed posterior rose over its threshold",
)  # fmt: skip
FEATURES: Final = Topic(
    kind="features", qos=1, retain=False, from_node=True, durable=True, limit_bytes=256_000,
    meaning="a window of log-mel frames with the posteriors that the model gave",
)  # fmt: skip
GAP: Final = Topic(
    kind="gap", qos=1, retain=False, from_node=True, durable=True, limit_bytes=64_000,
    meaning="what the node could not deliver or did not hear",
)  # fmt: skip
COMMAND: Final = Topic(
    kind="command", qos=1, retain=False, from_node=False, durable=False, limit_bytes=16_000,
    meaning="what the aggregator asks of the node",
)  # fmt: skip
ACKNOWLEDGEMENT: Final = Topic(
    kind="ack", qos=1, retain=False, from_node=False, durable=False, limit_bytes=2_000,
    meaning="up to which sequence everything is safely stored",
)  # fmt: skip
DESIRED: Final = Topic(
    kind="desired", qos=1, retain=True, from_node=False, durable=False, limit_bytes=4_000,
    meaning="which bundle the node should run, and where it is",
)  # fmt: skip
UPDATE: Final = Topic(
    kind="update", qos=1, retain=False, from_node=True, durable=True, limit_bytes=4_000,
    meaning="how far the node is with it",
)  # fmt: skip
DISAGREEMENT: Final = Topic(
    kind="disagreement", qos=1, retain=False, from_node=True, durable=True, limit_bytes=4_000,
    meaning="a detection that only one of two models made, the one in service or its shadow",
)  # fmt: skip
SHADOW: Final = Topic(
    kind="shadow", qos=1, retain=False, from_node=True, durable=True, limit_bytes=200_000,
    meaning="how often these two agreed",
)  # fmt: skip
FETCH: Final = Topic(
    kind="fetch", qos=1, retain=False, from_node=True, durable=False, limit_bytes=1_000,
    meaning="asks for a piece of metadata or of a bundle, where HTTP is not open",
)  # fmt: skip
PIECE: Final = Topic(
    kind="piece", qos=1, retain=False, from_node=False, durable=False, limit_bytes=270_000,
    meaning="the piece that was asked for",
)  # fmt: skip

LIVE: Final = Topic(
    kind="live", qos=0, retain=False, from_node=True, durable=False, limit_bytes=2_061,
    meaning="what the node hears, while somebody listens",
)  # fmt: skip
VOICE: Final = Topic(
    kind="voice", qos=0, retain=False, from_node=True, durable=False, limit_bytes=2_061,
    meaning="what somebody says at the node, to be heard elsewhere",
)  # fmt: skip
TALK: Final = Topic(
    kind="talk", qos=0, retain=False, from_node=False, durable=False, limit_bytes=2_061,
    meaning="what somebody says elsewhere, to be heard at the node",
)  # fmt: skip

CALL: Final = Topic(
    kind="call", qos=1, retain=False, from_node=True, durable=False, limit_bytes=1_000,
    meaning="somebody at the node wants to talk to another node, or has ended",
)  # fmt: skip
TURN: Final = Topic(
    kind="turn", qos=1, retain=False, from_node=False, durable=False, limit_bytes=2_000,
    meaning="whether somebody at the node may talk, who talks to it, and how what it says arrives",
)  # fmt: skip
HEARD: Final = Topic(
    kind="heard", qos=0, retain=False, from_node=True, durable=False, limit_bytes=1_000,
    meaning="how what somebody says elsewhere arrives at the node",
)  # fmt: skip

ALL: Final = (
    BIRTH, STATE, HEARTBEAT, DETECTION, FEATURES, GAP, COMMAND, ACKNOWLEDGEMENT,
    DESIRED, UPDATE, DISAGREEMENT, SHADOW, FETCH, PIECE, LIVE, VOICE, TALK,
    CALL, TURN, HEARD,
)  # fmt: skip
SOUND: Final = (LIVE, VOICE, TALK)
"""These carry sound, to whoever listens now. It is never stored, and ingest does not see it."""

PASSING: Final = (*SOUND, CALL, TURN, HEARD)
"""Sound, and what is agreed on beside it while somebody talks. Ingest does not see it either."""

BY_KIND: Final = {topic.kind: topic for topic in ALL}


def topic_name(namespace: str, node: str, topic: Topic) -> str:
    """The full name of ``topic`` for one node.

    >>> topic_name("soundpost", "attic", BIRTH)
    'soundpost/v1/attic/birth'
    """
    for part in (namespace, node):
        if not NAME.fullmatch(part):
            raise WireError(f"{part!r}: must be 1 to 64 of a-z 0-9 _ - and not begin with _ or -")
    return f"{namespace}/{VERSION}/{node}/{topic.kind}"


def from_all_nodes(namespace: str, topic: Topic) -> str:
    """The filter with which the aggregator subscribes to ``topic`` of every node."""
    if not NAME.fullmatch(namespace):
        raise WireError(f"namespace {namespace!r} is not a name")
    return f"{namespace}/{VERSION}/+/{topic.kind}"


def parse_topic(namespace: str, full_name: str) -> tuple[str, Topic]:
    """Node and topic of a full name; ``WireError`` if it is not one of ours."""
    parts = full_name.split("/")
    if len(parts) != 4 or parts[0] != namespace or parts[1] != VERSION or parts[3] not in BY_KIND:
        raise WireError(f"not a topic of this contract: {full_name[:200]!r}")
    if not NAME.fullmatch(parts[2]):
        raise WireError(f"not a node's name: {parts[2][:100]!r}")
    return parts[2], BY_KIND[parts[3]]
