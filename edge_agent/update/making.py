"""Chooses the parts of the installer from the settings."""

from collections.abc import Callable
from typing import Final

from contract.updates import Desired
from edge_agent import health
from edge_agent.errors import SettingsError
from edge_agent.settings import Settings
from edge_agent.update.fetch import Http
from edge_agent.update.install import Installer, Tell
from edge_agent.update.mqtt_fetch import Ask, Pieces
from edge_agent.update.selftest import Allowed, SelfTest
from edge_agent.update.source import FetchError, Source
from edge_agent.update.store import ModelStore
from edge_agent.update.tls import Tls
from edge_agent.update.trust import Trust

_ROUTES: Final = "/ota/v1"
"""Below the address of the aggregator; what it names itself ends so already."""


def make_store(settings: Settings) -> ModelStore:
    """The store in the node's state folder; the shipped bundle is ``[model] bundle``."""
    if settings.model.bundle is None:
        raise SettingsError("[model] bundle: say which model to run, for example models/keywords.bundle")
    folder = settings.node.state_path / "models"
    return ModelStore(
        folder, settings.model.bundle, crashes_most=settings.update.crashes_most, power=health.boot_id()
    )


def make_installer(
    settings: Settings, store: ModelStore, agent_version: str, tell: Tell, ask: Ask | None = None
) -> Installer:
    """The installer; ``SettingsError`` if updates are not active, or settings do not fit.

    ``ask`` is needed with ``[update] transport = mqtt``: it publishes a ``Fetch`` and returns the ``Piece``
    with its id within so many seconds, or raises ``TimeoutError``.
    """
    update = settings.update
    if update.root is None:
        raise SettingsError("[update] root: needed to take new models")
    return Installer(
        store, Trust(store.folder, update.root), _source(settings, ask),
        SelfTest(agent_version, Allowed(
            time_s=update.selftest_s, memory_mb=update.memory_mb, cost_factor_most=update.cost_factor_most,
            new_frontend=update.new_frontend,
        )), tell, node=settings.node.name, agent_version=agent_version,
        limit_bytes_per_s=update.limit_bytes_per_s,
    )  # fmt: skip


def _source(settings: Settings, ask: Ask | None) -> Callable[[Desired], Source]:
    update = settings.update
    pieces = None if ask is None else Pieces(ask)
    if update.transport == "mqtt":
        if pieces is None:
            raise SettingsError("[update] transport: mqtt needs a broker")
        return lambda _desired: pieces
    try:
        tls = Tls(update.ca_file)
    except OSError as error:
        raise SettingsError(f"[update] ca_file: {error.strerror or error}") from error

    def http(desired: Desired) -> Source:
        base = f"{update.url.rstrip('/')}{_ROUTES}" if update.url else desired.url
        if not base and pieces is not None:
            return pieces
        if not base:
            raise FetchError("neither the settings nor the aggregator say where to fetch from")
        return Http(base, settings.node.name, desired.token, tls)

    return http
