"""New models on the node: look for what is signed, fetch it, try it, keep it; never be without one."""

from edge_agent.update.choice import Choice, RolledBack
from edge_agent.update.install import Installer
from edge_agent.update.making import make_installer, make_store
from edge_agent.update.outcomes import Outcome, Ready, Refused, Waiting
from edge_agent.update.starts import STEADY_S
from edge_agent.update.store import ModelStore

__all__ = [
    "STEADY_S",
    "Choice",
    "Installer",
    "ModelStore",
    "Outcome",
    "Ready",
    "Refused",
    "RolledBack",
    "Waiting",
    "make_installer",
    "make_store",
]
