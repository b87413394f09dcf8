"""The data set: what was said of the stored windows, what it amounts to, and what it is too thin for."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from aggregator.domain.consensus import consensus
from aggregator.domain.label_names import NONE_OF_THEM
from aggregator.domain.splits import BLOCK_S, split
from aggregator.domain.thinness import Held, Thin, thin
from aggregator.services.reviews import opinion
from aggregator.services.sites import site_of
from aggregator.store import dataset as store
from aggregator.store import review_labels, reviews
from aggregator.store.database import Database

LARGEST_MATRIX: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedWindow:
    """A window, and what reviewers together say of it."""

    window_id: int
    node: str
    site: str
    start_s: float
    label: str | None
    """None: none of them, or no agreement."""
    agreed: bool
    """False: as many say one thing as another; nothing is to be learned from it."""
    split: str
    """``training``, ``validation`` or ``test``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCount:
    """Windows on whose label reviewers agree."""

    label: str
    total: int
    by_split: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCount:
    """Windows of a node, of a site, or sent for a reason."""

    name: str
    windows: int
    answered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendCount:
    """Windows that one front end made: they are never mixed with those of another."""

    digest: str
    windows: int
    answered: int
    model: str
    newest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetView:
    """Everything that is known of the windows of one front end."""

    frontend_digest: str | None
    """None: nothing is stored yet."""
    windows: int = 0
    answered: int = 0
    agreed: int = 0
    tied: int = 0
    """Answered windows of which as many say one thing as another."""
    bordering: int = 0
    """Answered windows that reach from one split into another and are not used."""
    labels: tuple[LabelCount, ...] = ()
    splits: Mapping[str, int] = field(default_factory=dict)
    nodes: tuple[PlaceCount, ...] = ()
    sites: tuple[PlaceCount, ...] = ()
    reasons: tuple[PlaceCount, ...] = ()
    places: tuple[str, ...] = ()
    """The columns of the matrix: sites, or nodes without a site."""
    matrix: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Label → place → agreed windows."""
    thin: tuple[Thin, ...] = ()
    frontends: tuple[FrontendCount, ...] = ()
    """All front ends, that with most windows first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """A window with answers, before it is known whether its split can be used."""

    window_id: int
    node: str
    site: str
    reason: str
    start_s: float
    label: str | None
    agreed: bool
    split: str | None

    @property
    def place(self) -> str:
        return self.site or self.node

    @property
    def shown_label(self) -> str:
        return NONE_OF_THEM if self.label is None else self.label


class DatasetService:
    """Answers questions about what was reviewed. Safe for use by many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reviewed(self, frontend_digest: str) -> list[ReviewedWindow]:
        """The answered windows of one front end, by id; whoever only skipped said nothing.

        A window that reaches from one split into another is left out.
        """
        with self._database.read() as connection:
            answered = _answered(connection, frontend_digest)
        return [
            ReviewedWindow(
                window_id=one.window_id,
                node=one.node,
                site=one.site,
                start_s=one.start_s,
                label=one.label,
                agreed=one.agreed,
                split=one.split,
            )
            for one in answered
            if one.split is not None
        ]

    def overview(self, frontend_digest: str | None = None) -> DatasetView:
        """The data set of a front end; without one, of that which most windows have."""
        with self._database.read() as connection:
            frontends = tuple(_frontend(row) for row in store.frontends(connection))
            chosen = frontend_digest or (frontends[0].digest if frontends else None)
            if chosen is None:
                return DatasetView(frontend_digest=None)
            answered = _answered(connection, chosen)
            by_node = store.counts(connection, chosen, "node_id")
            by_reason = store.counts(connection, chosen, "reason")
            births = store.births(connection)
            names = [row.name for row in review_labels.active(connection)]
        usable = [one for one in answered if one.agreed and one.split is not None]
        labels = _labels(usable, names)
        nodes = {row.name: by_node[row.id] for row in births if row.id in by_node}
        sites: Counter[str] = Counter()
        for row in births:
            sites[site_of(row.birth)] += by_node.get(row.id, 0)
        return DatasetView(
            frontend_digest=chosen,
            windows=sum(by_node.values()),
            answered=len(answered),
            agreed=len(usable),
            tied=sum(not one.agreed for one in answered),
            bordering=sum(one.agreed and one.split is None for one in answered),
            labels=labels,
            splits=dict(Counter(one.split for one in usable if one.split is not None)),
            nodes=_places(nodes, Counter(one.node for one in answered)),
            sites=_places(sites, Counter(one.site for one in answered)),
            reasons=_places(by_reason, Counter(one.reason for one in answered)),
            places=tuple(sorted({one.place for one in usable}))[:LARGEST_MATRIX],
            matrix=_matrix(usable),
            thin=thin(_held(usable, names)),
            frontends=frontends,
        )


def _answered(connection: Any, frontend_digest: str) -> list[_Answered]:
    sites = {row.name: site_of(row.birth) for row in store.births(connection)}
    rows = reviews.in_force(connection, frontend_digest=frontend_digest)
    found = []
    for window_id, group in groupby(rows, key=lambda row: row.window_id):
        said = list(group)
        told = consensus(opinion(row) for row in said)
        if told is None:
            continue
        first = said[0]
        names = {row.meant_id: row.label for row in said}
        site = sites[first.node]
        found.append(
            _Answered(
                window_id=window_id,
                node=first.node,
                site=site,
                reason=first.reason,
                start_s=first.start_s,
                label=names[told.label_id] if told.label_id is not None else None,
                agreed=told.agreed,
                split=split(node=first.node, site=site, start_s=first.start_s, end_s=first.end_s),
            )
        )
    return found


def _frontend(row: Any) -> FrontendCount:
    return FrontendCount(
        digest=row.frontend_digest,
        windows=row.windows,
        answered=row.answered,
        model=row.model,
        newest_s=row.newest_s,
    )


def _labels(usable: Sequence[_Answered], names: Iterable[str]) -> tuple[LabelCount, ...]:
    """Counts of each label, most windows first; a label without any stands last."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*names, NONE_OF_THEM)}
    for one in usable:
        if one.split is not None:
            counts[one.shown_label][one.split] += 1
    found = [
        LabelCount(label=label, total=by_split.total(), by_split=dict(by_split))
        for label, by_split in counts.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.total, one.label)))


def _places(windows: Mapping[str, int], answered: Mapping[str, int]) -> tuple[PlaceCount, ...]:
    found = [
        PlaceCount(name=name, windows=count, answered=answered.get(name, 0))
        for name, count in windows.items()
        if count
    ]
    return tuple(sorted(found, key=lambda one: (-one.windows, one.name)))


def _matrix(usable: Sequence[_Answered]) -> dict[str, dict[str, int]]:
    counted = Counter((one.shown_label, one.place) for one in usable)
    matrix: dict[str, dict[str, int]] = {}
    for (label, place), count in counted.items():
        matrix.setdefault(label, {})[place] = count
    return matrix


def _held(usable: Sequence[_Answered], names: Iterable[str]) -> Iterator[Held]:
    for label in (*names, NONE_OF_THEM):
        mine = [one for one in usable if one.shown_label == label]
        yield Held(
            label=label,
            by_split=dict(Counter(one.split for one in mine if one.split is not None)),
            places=len({one.place for one in mine}),
            recordings=len({(one.place, one.start_s // BLOCK_S) for one in mine}),
        )
