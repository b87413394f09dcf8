"""What nodes are wanted to send to learn from, what is in force, and telling them."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from aggregator.domain import sampling as domain
from aggregator.domain.sampling import NODE, NodeState, Policy
from aggregator.errors import PolicyError, UnknownNodeError
from aggregator.services.commands import CommandService
from aggregator.services.nodes import sampling_of
from aggregator.store import sampling as store
from aggregator.store.database import Database
from aggregator.store.review_labels import private_names
from contract.checks import NAME
from contract.sampling import Sampling

ORDER_LIFETIME_S: Final = 300.0
"""So long a node that was told has to obey; then it is told again."""
_ORDERS_LOOKED_AT: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSampling:
    """What a node samples, and what it should."""

    node: str
    online: bool
    standing: str
    """As ``domain.sampling.standing`` says."""
    wanted: Policy | None
    """The policy that it should follow; None: its own settings count, or what it was told last."""
    in_force: Sampling | None
    """As the node says; None of an agent that knows no sampling."""
    since_s: float | None
    """When it was told what is in force, or else when its agent started; None if that is not known."""
    unknown: tuple[str, ...]
    """Private labels that its model does not know: while there are any, it sends no window at all."""
    marked: tuple[str, ...] = ()
    """Labels that are marked as private and that its model knows: private whatever the policy says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A node's state, and what else its birth says."""

    state: NodeState
    started_s: float
    clock_ahead_s: float


class SamplingService:
    """The policies, and the nodes under them. Safe for use by many threads."""

    def __init__(
        self, database: Database, commands: CommandService, *, now: Callable[[], float] = time.time
    ) -> None:
        self._database, self._commands, self._now = database, commands, now

    def policies(self) -> list[Policy]:
        """Every policy: the fleet's, those of nodes, those of tags."""
        with self._database.read() as connection:
            return _policies(connection)

    def policy(self, scope: str, target: str = "") -> Policy | None:
        """The policy of a scope itself, if one was set."""
        return next((one for one in self.policies() if (one.scope, one.target) == (scope, target)), None)

    def put(self, scope: str, target: str, sampling: Sampling, *, by: str) -> Policy:
        """Want this of the nodes of a scope. ``PolicyError`` or ``UnknownNodeError`` says what is wrong."""
        set_s = self._now()
        with self._database.write() as connection:
            _check_target(scope, target)
            _check_private(scope, target, sampling, self._known(connection))
            values = {"sampling": json.dumps(sampling.to_plain()), "set_s": set_s, "set_by": by}
            store.put(connection, scope, target, values)
        return Policy(scope=scope, target=target, sampling=sampling, set_s=set_s, set_by=by)

    def remove(self, scope: str, target: str = "") -> bool:
        """Whether there was such a policy. The next one counts then; without any, nodes stay as they are."""
        with self._database.write() as connection:
            return store.remove(connection, scope, target)

    def node(self, name: str) -> NodeSampling | None:
        """One node, or None if it has not introduced itself."""
        return next(iter(self.nodes(NODE, name)), None)

    def nodes(self, scope: str = domain.FLEET, target: str = "") -> list[NodeSampling]:
        """The nodes that a policy of this scope is about, by name."""
        with self._database.read() as connection:
            policies, known = _policies(connection), self._known(connection)
            marked = private_names(connection)
            wanted = [one for one in known if domain.concerns(scope, target, one.state)]
            return [_view(connection, one, policies, marked) for one in wanted]

    def tags(self) -> list[str]:
        """Every tag that a node names or that has a policy, sorted."""
        with self._database.read() as connection:
            named = {tag for one in self._known(connection) for tag in one.state.tags}
            return sorted(named | {one.target for one in _policies(connection) if one.scope == domain.TAG})

    def labels(self, scope: str, target: str = "") -> list[str]:
        """The labels that models of these nodes know, sorted."""
        with self._database.read() as connection:
            known = self._known(connection)
        found = [one.state.labels for one in known if domain.concerns(scope, target, one.state)]
        return sorted({label for labels in found for label in labels})

    def tell(self) -> list[str]:
        """Queue a command for every node that has to be told; their names."""
        with self._database.read() as connection:
            policies, marked = _policies(connection), private_names(connection)
            known = self._known(connection) if policies or marked else []
        ahead_s = {one.state.name: one.clock_ahead_s for one in known}
        owed = domain.owed(policies, [one.state for one in known], marked)
        for node, sampling in owed:
            # The node judges by its own clock whether a command has expired.
            lifetime_s = ORDER_LIFETIME_S + max(0.0, ahead_s[node])
            self._commands.queue(node, "set_sampling", sampling=sampling, lifetime_s=lifetime_s)
        return [node for node, _ in owed]

    def _known(self, connection: Connection) -> list[_Known]:
        ordered = {row.node: _sampling(row) for row in store.orders(connection, self._now())}
        return [_read_node(row, ordered.get(row.name)) for row in store.node_rows(connection)]


def _policies(connection: Connection) -> list[Policy]:
    return [
        Policy(
            scope=row.scope, target=row.target, sampling=_sampling(row), set_s=row.set_s, set_by=row.set_by
        )
        for row in store.policies(connection)
    ]


def _sampling(row: Any) -> Sampling:
    return Sampling.from_plain(json.loads(row.sampling))


def _read_node(row: Any, ordered: Sampling | None) -> _Known:
    birth = json.loads(row.birth)
    return _Known(
        state=NodeState(
            name=row.name,
            online=row.online,
            tags=tuple(birth.get("tags", ())),
            labels=tuple(birth["labels"]),
            in_force=sampling_of(birth),
            ordered=ordered,
        ),
        started_s=birth["started_s"],
        clock_ahead_s=-(row.clock_offset_s or 0.0),
    )


def _view(
    connection: Connection, known: _Known, policies: Sequence[Policy], marked: Sequence[str]
) -> NodeSampling:
    state, policy = known.state, domain.wanted(policies, known.state)
    told = store.sent(connection, state.name, _ORDERS_LOOKED_AT) if state.in_force else []
    since = next((row.sent_s for row in told if _sampling(row) == state.in_force), known.started_s or None)
    private = state.in_force.private if state.in_force else ()
    return NodeSampling(
        node=state.name,
        online=state.online,
        standing=domain.standing(policies, state, marked),
        wanted=policy,
        in_force=state.in_force,
        since_s=since if state.in_force else None,
        unknown=tuple(label for label in private if label not in state.labels),
        marked=domain.known_of(marked, state),
    )


def _check_target(scope: str, target: str) -> None:
    if scope not in domain.SCOPES:
        raise PolicyError(f"a policy is for one of {', '.join(domain.SCOPES)}")
    if (scope == domain.FLEET) != (target == "") or (target and not NAME.fullmatch(target)):
        raise PolicyError("a policy of a tag or a node names it: 1 to 64 of a-z 0-9 _ -")


def _check_private(scope: str, target: str, sampling: Sampling, known: Sequence[_Known]) -> None:
    """A label that no model knows is a slip, and would keep every window on every node."""
    concerned = [one for one in known if domain.concerns(scope, target, one.state)]
    if scope == NODE and not concerned:
        raise UnknownNodeError(f"no node called {target!r} has introduced itself")
    labels = sorted({label for one in concerned for label in one.state.labels})
    unknown = [label for label in sampling.private if label not in labels]
    if concerned and unknown:
        raise PolicyError(
            f"no model there knows the private label {unknown[0]!r}, so no window at all would be sent; "
            f"it must be one of {', '.join(labels)}"
        )
