"""What every configuration of the broker says, however clients sign in: rights and limits."""

from typing import Final

from contract import topics

AGGREGATOR: Final = "aggregator"
LARGEST_MESSAGE_BYTES: Final = 1_000_000
LARGEST_PACKET_BYTES: Final = LARGEST_MESSAGE_BYTES + 10_000
QUEUED_MESSAGES: Final = 100_000
QUEUED_BYTES: Final = 500_000_000

LIMITS: Final = f"""\
persistence true
persistence_location {{folder}}/
autosave_interval 60

# What waits for a client that is away. Past this mosquitto drops without a word; nodes send again, so that
# nothing is lost, but only after a while.
max_queued_messages {QUEUED_MESSAGES}
max_queued_bytes {QUEUED_BYTES}
max_inflight_messages 1000
message_size_limit {LARGEST_MESSAGE_BYTES}
max_packet_size {LARGEST_PACKET_BYTES}

# Sound of now must not wait until a packet is full.
set_tcp_nodelay true
"""


def access_rules(namespace: str) -> str:
    """Who may do what: each node its own topics, the aggregator what it needs of all."""
    own = f"{namespace}/{topics.VERSION}/%u"
    every = f"{namespace}/{topics.VERSION}/+"
    lines = ["# %u is the name a client signed in with: a node can only speak for itself."]
    lines += [f"pattern {'write' if topic.from_node else 'read'} {own}/{topic.kind}" for topic in topics.ALL]
    lines += ["", f"user {AGGREGATOR}"]
    lines += [f"topic {'read' if topic.from_node else 'write'} {every}/{topic.kind}" for topic in topics.ALL]
    return "\n".join(lines) + "\n"
