"""Which sampling a node should have, and which nodes have to be told so. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from contract.sampling import Sampling

FLEET: Final = "fleet"
TAG: Final = "tag"
NODE: Final = "node"
SCOPES: Final = (FLEET, TAG, NODE)


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


def owed(policies: Sequence[Policy], nodes: Iterable[NodeState]) -> list[tuple[str, Sampling]]:
    """Which nodes have to be told what: they are connected, show another sampling than wanted, and no
    command that says so is under way. An agent that shows none would not understand."""
    told = []
    for node in nodes:
        policy = wanted(policies, node)
        if policy is None or not node.online or node.in_force is None:
            continue
        if policy.sampling not in (node.in_force, node.ordered):
            told.append((node.name, policy.sampling))
    return told


def standing(policy: Policy | None, node: NodeState) -> str:
    """``own`` (no policy: its own settings), ``in_force``, ``told`` (a command is under way), ``waits`` (for
    the node to come, or for the next round) or ``unable`` (the agent is too old)."""
    if node.in_force is None:
        return "unable"
    if policy is None:
        return "own"
    if policy.sampling == node.in_force:
        return "in_force"
    return "told" if node.online and policy.sampling == node.ordered else "waits"
