"""Which nodes a rollout is about, and which wave each belongs to."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from aggregator.domain.rollouts.obstacles import unfit
from aggregator.domain.rollouts.plan import LIVE, Plan, Wave
from aggregator.domain.rollouts.states import Member, Node


def place(name: str, seed: str) -> float:
    """Where a name stands among all names, 0 to 1; the same for ever.

    >>> round(place("attic", "a"), 3), round(place("attic", "b"), 3)
    (0.199, 0.6)
    """
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def is_target(plan: Plan, node: Node) -> bool:
    """Whether the rollout is about the node."""
    wanted = plan.targets
    named = node.name in wanted.nodes or node.site in wanted.sites or bool({*node.tags} & {*wanted.tags})
    if not named and (wanted.nodes or wanted.tags or wanted.sites):
        return False
    if node.name in wanted.exclude or not node.digest:
        return False
    if not wanted.any_model and node.model.split("@", 1)[0] != plan.release.kind:
        return False
    unit = node.place if plan.whole_sites else node.name
    return wanted.percent >= 100 or place(unit, plan.seed) * 100 < wanted.percent


def draft(plan: Plan, nodes: Iterable[Node]) -> list[Member]:
    """The members of each wave. A node is in one live wave at most; before it may be in shadow waves."""
    units = _units(plan, [node for node in nodes if is_target(plan, node)])
    total = sum(len(unit) for unit in units)
    members, taken = [], 0
    left = list(units)
    for number, wave in enumerate(plan.waves):
        pool = left if wave.mode == LIVE else units
        reached = taken if wave.mode == LIVE else 0
        chosen = _chosen(wave, pool, total, reached)
        members += [Member(node=node.name, wave=number) for unit in chosen for node in unit]
        if wave.mode == LIVE:
            gone = {unit[0].name for unit in chosen}
            left = [unit for unit in left if unit[0].name not in gone]
            taken += sum(len(unit) for unit in chosen)
    return members


def late_wave(plan: Plan, node: Node) -> int | None:
    """The wave of a node that comes late: the last one, if it is for everybody. No canary ever grows."""
    last = plan.waves[-1]
    whole = last.mode == LIVE and last.percent == 100
    return len(plan.waves) - 1 if plan.takes_new and whole and is_target(plan, node) else None


def _units(plan: Plan, nodes: Sequence[Node]) -> list[list[Node]]:
    """What goes together, in the order in which it comes: last what cannot run it, for a canary must."""
    if plan.whole_sites:
        ordered = sorted(nodes, key=lambda node: (place(node.place, plan.seed), node.place, node.name))
        units = [list(unit) for _, unit in groupby(ordered, key=lambda node: node.place)]
    else:
        units = [[node] for node in sorted(nodes, key=lambda node: place(node.name, plan.seed))]
    return sorted(units, key=lambda unit: any(unfit(plan, node) for node in unit))


def _chosen(wave: Wave, pool: Sequence[list[Node]], total: int, reached: int) -> list[list[Node]]:
    if wave.tag:
        return [unit for unit in pool if any(wave.tag in node.tags for node in unit)]
    share = math.ceil(total * (wave.percent or 0.0) / 100) - reached
    most = share if wave.count is None else wave.count
    chosen: list[list[Node]] = []
    size = 0
    for unit in pool:
        # The first unit goes whatever its size: a wave of a site is never empty.
        if size >= most or (chosen and size + len(unit) > most):
            break
        chosen.append(unit)
        size += len(unit)
    return chosen
