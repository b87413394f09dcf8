"""Shows how far a rollout is, until nobody has to look on."""

import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from aggregator.domain.rollouts.states import PAUSED
from aggregator.services.rollout_views import RolloutView, WaveView
from aggregator.services.rollouts import RolloutService

POLL_S: Final = 0.5


NOBODY: Final = "nobody moves rollouts on: start `aggregator serve` or `aggregator web` with these settings"
SOMEBODY: Final = "rollouts are moved on now"


def watch(rollouts: RolloutService, rollout_id: int, *, quiet: bool, move: Callable[[], bool]) -> RolloutView:
    """The rollout once it has finished, ended, or is paused: then a person is needed.

    ``move``: whether anybody moves rollouts on. While nobody does that is said, also if ``quiet``.
    """
    console = Console(stderr=True)
    moved = True
    bars = Progress(
        TextColumn("{task.description:24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        console=console,
        disable=quiet,
    )
    with bars:
        tasks: dict[int, TaskID] = {}
        while True:
            view = rollouts.get(rollout_id)
            for wave in view.waves:
                if wave.number not in tasks:
                    tasks[wave.number] = bars.add_task(wave.name, total=None, told="")
                bars.update(
                    tasks[wave.number], description=f"{wave.number}. {wave.name} ({wave.state})",
                    total=wave.nodes, completed=_done(wave), told=_told(wave),
                )  # fmt: skip
            if view.settled or view.state == PAUSED:
                return view
            if move() != moved:
                moved = not moved
                console.print(f"aggregator: {SOMEBODY if moved else NOBODY}", soft_wrap=True, markup=False)
            time.sleep(POLL_S)


def _done(wave: WaveView) -> int:
    return wave.nodes - wave.counts["waiting"] - wave.counts["assigned"]


def _told(wave: WaveView) -> str:
    shown = ("assigned", "failed", "skipped", "withdrawn")
    return ", ".join(f"{wave.counts[state]} {state}" for state in shown if wave.counts[state])
