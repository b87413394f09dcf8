"""``edge-agent talk``: somebody at this node speaks through the loudspeaker of another one."""

from edge_agent.talk.command import Wish, talk

__all__ = ["Wish", "talk"]
