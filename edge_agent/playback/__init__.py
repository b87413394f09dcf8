"""Sound goes out here: what somebody says elsewhere is played on the node."""

from edge_agent.playback.opening import make_sink
from edge_agent.playback.playing import Playing
from edge_agent.playback.sink import Sink

__all__ = ["Playing", "Sink", "make_sink"]
