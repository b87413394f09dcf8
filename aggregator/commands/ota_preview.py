"""Shows a rollout that nobody has begun yet."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Final

from aggregator.commands.given import say, say_json
from aggregator.services.rollout_outlook import by_reason
from aggregator.services.rollout_views import WavePreview

DONE: Final = 0
_NAMES: Final = 8


def tell(waves: Sequence[WavePreview], *, as_json: bool) -> int:
    """Print who would be in which wave, and who would not be told yet."""
    if as_json:
        say_json({"waves": [asdict(one) for one in waves]})
        return DONE
    for one in waves:
        say(f"{one.words}: {_count(one.nodes)}")
    for (state, reason), names in by_reason(one.held_back for one in waves).items():
        say(f"  {state}: {_count(names)}: {reason}")
    say("nothing was begun: leave --preview out")
    return DONE


def _count(names: Collection[str]) -> str:
    count = "1 node" if len(names) == 1 else f"{len(names)} nodes"
    shown = ", ".join(islice(names, _NAMES)) + (" …" if len(names) > _NAMES else "")
    return f"{count} ({shown})" if names else count
