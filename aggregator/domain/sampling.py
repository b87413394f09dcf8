"""Which sampling a node should have, and which nodes have to be told so. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contract.sampling import MOST_PRIVATE, Sampling

FLEET: Final = "fleet"
TAG: Final = "tag"
NODE: Final = "node"
SCOPES: Final = (FLEET, TAG, NODE)
TOO_MANY: Final = "more private labels than can be told"
"""In place of labels that do not fit. No model knows it, so the node then sends no window at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What somebody wants the nodes of a scope to sample."""

    scope: str
    target: str
    """The tag's or the node's name; empty for the fleet."""
    sampling: Sampling
    set_s: float
    set_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """What is known of a node's sampling."""

    name: str
    online: bool
    tags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """What its model knows."""
    in_force: Sampling | None = None
    """As its birth says; ``None`` of an agent that knows no sampling."""
    ordered: Sampling | None = None
    """What the newest command that has not expired tells it."""


def concerns(scope: str, target: str, node: NodeState) -> bool:
    """Whether a policy of that scope is about the node, though another may beat it."""
    return scope == FLEET or (scope == TAG and target in node.tags) or (scope == NODE and target == node.name)


def wanted(policies: Iterable[Policy], node: NodeState) -> Policy | None:
    """The policy that the node should follow: its own, else that of a tag, else the fleet's.

    Of several tags the one that the node names first has it: who sets up a node decides the order, and
    changing one tag's policy never moves a node from one tag to another.
    """
    by_key = {(policy.scope, policy.target): policy for policy in policies}
    keys = [(NODE, node.name), *((TAG, tag) for tag in node.tags), (FLEET, "")]
    return next((by_key[key] for key in keys if key in by_key), None)


def wanted_sampling(policies: Iterable[Policy], marked: Iterable[str], node: NodeState) -> Sampling | None:
    """What the node should be told: its policy, or else what is in force, and with it the labels ``marked``
    as private that its model knows. ``None``: its own settings count, or its agent knows no sampling."""
    policy = wanted(policies, node)
    base = policy.sampling if policy else node.in_force
    mine = known_of(marked, node)
    if base is None or (policy is None and not set(mine) - set(base.private)):
        return base if policy else None
    return replace(base, private=_together(base.private, mine))


def known_of(marked: Iterable[str], node: NodeState) -> tuple[str, ...]:
    """Those of the labels that the node's model knows. Others would close it: it could not tell them."""
    return tuple(label for label in marked if label in node.labels)


def owed(
    policies: Sequence[Policy], nodes: Iterable[NodeState], marked: Sequence[str] = ()
) -> list[tuple[str, Sampling]]:
    """Which nodes have to be told what: they are connected, show another sampling than wanted, and no
    command that says so is under way. An agent that shows none would not understand."""
    told = []
    for node in nodes:
        sampling = wanted_sampling(policies, marked, node)
        if sampling is None or not node.online or node.in_force is None:
            continue
        if sampling not in (node.in_force, node.ordered):
            told.append((node.name, sampling))
    return told


def standing(policies: Sequence[Policy], node: NodeState, marked: Sequence[str] = ()) -> str:
    """``own`` (nothing is wanted: its own settings), ``in_force``, ``told`` (a command is under way),
    ``waits`` (for the node to come, or for the next round) or ``unable`` (the agent is too old)."""
    if node.in_force is None:
        return "unable"
    sampling = wanted_sampling(policies, marked, node)
    if sampling is None:
        return "own"
    if sampling == node.in_force:
        return "in_force"
    return "told" if node.online and sampling == node.ordered else "waits"


def _together(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    both = tuple(dict.fromkeys((*first, *second)))
    return both if len(both) <= MOST_PRIVATE else (*both[: MOST_PRIVATE - 1], TOO_MANY)
