"""What this run of the agent is called."""

import secrets

from edge_agent.settings.enrolled import Enrolled


def new_boot(enrolled: Enrolled | None) -> str:
    """Sixteen hexadecimal digits that no other run of a node of this name has had.

    They begin with how often a node of this name has joined the fleet, which the aggregator counts: a node
    whose memory was wiped, or written from an image, cannot come upon a boot of its predecessor, whose
    sequences are taken.
    """
    if enrolled is None:
        return secrets.token_hex(8)
    return f"{enrolled.generation:04x}{secrets.token_hex(6)}"
