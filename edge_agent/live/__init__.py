"""What the node sends while somebody listens to it, and how people beside it are told so."""

from edge_agent.live.broadcast import Broadcast
from edge_agent.live.encoding import codecs
from edge_agent.live.indicator import Indicator

__all__ = ["Broadcast", "Indicator", "codecs"]
