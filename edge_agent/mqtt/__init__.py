"""Everything that knows the broker."""

from edge_agent.mqtt.client import LinkError
from edge_agent.mqtt.link import Link
from edge_agent.mqtt.probe import probe

__all__ = ["Link", "LinkError", "probe"]
