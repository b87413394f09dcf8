"""What each node of the demonstration hears, and with which model."""

from dataclasses import dataclass
from pathlib import Path

from aggregator.demo.children import DemoError

PACKAGE = Path(__file__).resolve().parent.parent
SHIPPED_SOUNDS = PACKAGE / "demo_sounds"
SHIPPED_MODELS = PACKAGE.parent / "models"
SITES = ("attic", "garden", "workshop", "harbour", "kitchen")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """One node of the demonstration."""

    number: int
    """1, 2, 3 …; each node plays its files in an order of its own."""
    name: str
    site: str
    bundle: Path
    source: Path | None
    """File or folder to play; None for the microphone."""


def plan_nodes(count: int, *, source: Path | None, microphone: bool, bundles: list[Path]) -> list[NodePlan]:
    """Plans for ``count`` nodes.

    Without a source each node plays what belongs to its model. ``bundles`` are dealt out in turn; without
    any, every third node listens for sounds and the others for words.
    """
    if source is not None and not source.exists():
        raise DemoError(f"--source {source}: there is no such file or folder")
    chosen = bundles or [_shipped("keywords"), _shipped("keywords"), _shipped("sounds")]
    plans = []
    for index in range(count):
        bundle = chosen[index % len(chosen)]
        own = SHIPPED_SOUNDS / ("scenes" if bundle.stem == "sounds" else "words")
        plans.append(
            NodePlan(
                number=index + 1,
                name=f"node-{index + 1}",
                site=SITES[index % len(SITES)],
                bundle=bundle,
                source=None if microphone else source or own,
            )
        )
    return plans


def _shipped(name: str) -> Path:
    path = SHIPPED_MODELS / f"{name}.bundle"
    if not path.is_file():
        raise DemoError(f"{path.name} is not beside the program: name a bundle with --bundle FILE")
    return path
