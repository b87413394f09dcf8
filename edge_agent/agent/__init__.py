"""The running agent."""

from edge_agent.agent.composition import run

__all__ = ["run"]
