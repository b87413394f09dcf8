"""A process that installs one bundle, to be killed."""

import sys
import threading
from pathlib import Path

from edge_agent.settings import InputSettings, ModelSettings, NodeSettings, Settings, UpdateSettings
from edge_agent.update import Outcome, make_installer, make_store
from edge_agent.update.store import ModelStore
from tests.edge_agent.update.world import NODE, Told, desired


def settings(folder: Path, **update: object) -> Settings:
    return Settings(
        node=NodeSettings(name=NODE, state=folder),
        model=ModelSettings(bundle=folder / "shipped.bundle"),
        input=InputSettings(),
        update=UpdateSettings(root=folder / "first-root.json", **update),  # type: ignore[arg-type]
    )


def install(folder: Path, base: str, digest: str, target: str, told: Told) -> tuple[ModelStore, Outcome]:
    """As the agent does it, with everything real."""
    chosen = settings(folder)
    store = make_store(chosen)
    one = make_installer(chosen, store, "0.1.0", told)
    return store, one.step(desired(digest, target, url=base, token="secret"), threading.Event())


if __name__ == "__main__":
    folder, base, digest, target = sys.argv[1:]
    install(Path(folder), base, digest, target, Told())
