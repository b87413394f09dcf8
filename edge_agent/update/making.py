"""Chooses the parts of the installer from the settings."""

from collections.abc import Callable

from contract.updates import Fetch, Piece
from edge_agent.settings import Settings
from edge_agent.update.install import Installer, Tell
from edge_agent.update.store import ModelStore


def make_store(settings: Settings) -> ModelStore:
    """The store in the node's state folder; the shipped bundle is ``[model] bundle``."""
    raise NotImplementedError


def make_installer(
    settings: Settings,
    store: ModelStore,
    agent_version: str,
    tell: Tell,
    ask: Callable[[Fetch, float], Piece] | None = None,
) -> Installer:
    """The installer.

    ``ask`` is needed with ``[update] transport = mqtt``: it publishes a ``Fetch`` and returns the ``Piece`` with
    its id within so many seconds, or raises ``TimeoutError``.
    """
    raise NotImplementedError
