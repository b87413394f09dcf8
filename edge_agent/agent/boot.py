"""Which model to start with: the one in service or on probation, never none if any of them loads."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import ContractError
from edge_agent.bundles import LoadedBundle, load_bundle
from edge_agent.denoisers import make_denoiser
from edge_agent.errors import EdgeError, SettingsError
from edge_agent.pipeline import Pipeline, Tuning
from edge_agent.settings import Settings

if TYPE_CHECKING:  # nothing of updates is loaded by a node that takes none
    from edge_agent.update import Choice, ModelStore

_ATTEMPTS = 3
"""On probation, in service, before that; then the shipped one counts alone."""

_log = logging.getLogger("edge_agent.agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model that can be fed."""

    bundle: LoadedBundle
    pipeline: Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """What the agent starts with."""

    loaded: Loaded
    store: "ModelStore | None"
    """``None`` where no updates are taken."""
    choice: "Choice | None"


def load(settings: Settings, version: str, path: Path) -> Loaded:
    """The bundle at ``path`` as this node wants it; ``BundleError`` or ``SettingsError`` says why not."""
    bundle = load_bundle(path, version)
    detector = settings.detector
    tuning = Tuning(
        thresholds=detector.thresholds, smoothing_s=detector.smoothing_s, refractory_s=detector.refractory_s
    )
    try:
        denoiser = make_denoiser(settings.denoise, path, version)
        return Loaded(bundle=bundle, pipeline=Pipeline(bundle, tuning, denoiser))
    except ValueError as error:
        raise SettingsError(f"[detector] {error}") from error


def boot(settings: Settings, version: str) -> Booted:
    """The model to run now."""
    if settings.model.bundle is None:
        raise SettingsError("[model] bundle: say which model to run, for example models/keywords.bundle")
    if not settings.update.active:
        return Booted(loaded=load(settings, version, settings.model.bundle), store=None, choice=None)
    from edge_agent.update import make_store

    store = make_store(settings)
    loaded, choice = choose(store, lambda path: load(settings, version, path))
    return Booted(loaded=loaded, store=store, choice=choice)


def choose(store: "ModelStore", load_at: Callable[[Path], Loaded]) -> "tuple[Loaded, Choice]":
    """What the store says; a model that does not load here is rolled back, and the one before is next."""
    for _ in range(_ATTEMPTS):
        choice = store.boot()
        try:
            return load_at(choice.path), choice
        except (EdgeError, ContractError) as error:
            if choice.slot == "shipped":
                raise
            _log.error("a model does not load", extra={"release": choice.digest, "error": str(error)})
            store.roll_back(choice.digest, f"it does not load: {error}")
    choice = store.boot()
    return load_at(choice.path), choice
