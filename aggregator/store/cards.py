"""Rows of cards: written by the indexer, read in the order of their value."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, exists, func, select, update

from aggregator.store.insert import Rows, unless_there
from aggregator.store.review_tables import cards, review_claims, review_labels, reviews
from aggregator.store.tables import nodes, windows

LONGEST_WINDOW_S: Final = 60.0
RESTING: Final = (
    "top_label",
    "uncertainty",
    "disagreement",
    "reason",
    "node_id",
    "rarity",
    "novelty",
    "value",
)


def unindexed(connection: Connection, limit: int) -> Sequence[Any]:
    """At most ``limit`` windows that came after the last card, in order of storing, with their blobs."""
    last = connection.scalar(select(func.max(cards.c.window_id))) or 0
    wanted = (
        select(windows, nodes.c.name.label("node"))
        .join(nodes, nodes.c.id == windows.c.node_id)
        .where(windows.c.id > last)
    )
    return connection.execute(wanted.order_by(windows.c.id).limit(limit)).all()


def add(connection: Connection, row: Mapping[str, Any]) -> None:
    """Add a card unless another indexer was quicker. Its window must be stored."""
    connection.execute(unless_there(connection, cards), row)


def fingerprints(
    connection: Connection, node_id: int, top_label: str | None, frontend_digest: str, limit: int
) -> list[tuple[int, bytes]]:
    """Window and fingerprint of the newest cards of a node that stand for themselves and look alike."""
    columns = cards.c
    wanted = (
        select(columns.window_id, columns.fingerprint)
        .where(
            columns.node_id == node_id,
            columns.top_label == top_label if top_label is not None else columns.top_label.is_(None),
            columns.frontend_digest == frontend_digest,
            columns.representative.is_(None),
        )
        .order_by(columns.start_s.desc())
        .limit(limit)
    )
    return [(row.window_id, row.fingerprint) for row in connection.execute(wanted)]


def of_other_models(connection: Connection, row: Mapping[str, Any]) -> Sequence[Any]:
    """Cards of the same node and moment, by another model: at least half of the shorter is shared."""
    columns = cards.c
    wanted = select(columns.window_id, columns.top_label, columns.posterior, columns.start_s, columns.end_s)
    found = connection.execute(
        wanted.where(
            columns.node_id == row["node_id"],
            columns.start_s > row["start_s"] - LONGEST_WINDOW_S,
            columns.start_s < row["end_s"],
            columns.end_s > row["start_s"],
            columns.model != row["model"],
        )
    )
    return [one for one in found if _shared(one, row) >= 0.5]


def raise_disagreement(connection: Connection, window_id: int, disagreement: float) -> None:
    """Note that a newer card contradicts this one so strongly."""
    connection.execute(
        update(cards)
        .where(cards.c.window_id == window_id, cards.c.disagreement < disagreement)
        .values(disagreement=disagreement)
    )


def to_value(connection: Connection, after: int, limit: int) -> Sequence[Any]:
    """At most ``limit`` cards that wait for an answer, after a window, in order of windows."""
    columns = cards.c
    wanted = select(columns.window_id, *(columns[name] for name in RESTING)).where(
        columns.answers == 0, columns.representative.is_(None), columns.window_id > after
    )
    return connection.execute(wanted.order_by(columns.window_id).limit(limit)).all()


def save_values(connection: Connection, rows: Rows) -> None:
    """Write doubt, rarity, novelty and value of the cards whose ``key`` is given."""
    if rows:
        values: dict[str, Any] = {name: bindparam(name) for name in ("doubt", "rarity", "novelty", "value")}
        connection.execute(update(cards).where(cards.c.window_id == bindparam("key")).values(values), rows)


def waiting(
    connection: Connection, reviewer: str, now_s: float, *, second: bool, beside: Sequence[int], limit: int
) -> list[int]:
    """Windows that ``reviewer`` might be shown next, most valuable first.

    Not those of ``beside``, not those that the reviewer has answered or skipped, none that somebody else
    is looking at. With ``second``, those that others have answered; else those that nobody has.
    """
    columns = cards.c
    in_force = exists().where(
        reviews.c.window_id == columns.window_id,
        reviews.c.reviewer == reviewer,
        reviews.c.undone_s.is_(None),
    )
    taken = exists().where(
        review_claims.c.window_id == columns.window_id,
        review_claims.c.reviewer != reviewer,
        review_claims.c.until_s > now_s,
    )
    answered = columns.answers > 0 if second else columns.answers == 0
    wanted = select(columns.window_id).where(
        answered, columns.representative.is_(None), columns.window_id.not_in(beside), ~in_force, ~taken
    )
    return list(connection.scalars(wanted.order_by(columns.value.desc(), columns.window_id).limit(limit)))


def by_window(connection: Connection, window_id: int) -> Any | None:
    """One card, with the name and the birth of its node."""
    wanted = select(cards, nodes.c.name.label("node"), nodes.c.birth).join(
        nodes, nodes.c.id == cards.c.node_id
    )
    return connection.execute(wanted.where(cards.c.window_id == window_id)).one_or_none()


def group_of(connection: Connection, window_id: int) -> list[int]:
    """The windows of the group that a card belongs to, its representative first."""
    first = (
        connection.scalar(select(cards.c.representative).where(cards.c.window_id == window_id)) or window_id
    )
    wanted = select(cards.c.window_id).where(cards.c.representative == first).order_by(cards.c.window_id)
    return [first, *connection.scalars(wanted)]


def open_count(connection: Connection) -> int:
    """Cards that nobody has answered, one per group."""
    wanted = select(func.count()).where(cards.c.answers == 0, cards.c.representative.is_(None))
    return connection.scalar(wanted.select_from(cards)) or 0


def answered_count(connection: Connection) -> int:
    """Windows that somebody has answered."""
    return connection.scalar(select(func.count()).select_from(cards).where(cards.c.answers > 0)) or 0


def recount(connection: Connection, window_ids: Sequence[int]) -> None:
    """Count anew how many reviews in force say something about some windows."""
    count = (
        select(func.count())
        .where(
            reviews.c.window_id == cards.c.window_id,
            reviews.c.undone_s.is_(None),
            reviews.c.verdict != "skip",
        )
        .scalar_subquery()
    )
    for begin in range(0, len(window_ids), 500):
        some = window_ids[begin : begin + 500]
        connection.execute(update(cards).where(cards.c.window_id.in_(some)).values(answers=count))


def answered(connection: Connection) -> Sequence[Any]:
    """Rows of label (name, resolved; None: none of them), the model's guess, node's id, and count of reviews.

    Of reviews in force that say something.
    """
    said, meant = review_labels.alias("said"), review_labels.alias("meant")
    name = func.coalesce(meant.c.name, said.c.name)
    return connection.execute(
        select(name.label("label"), cards.c.top_label, cards.c.node_id, func.count().label("count"))
        .select_from(reviews)
        .join(cards, cards.c.window_id == reviews.c.window_id)
        .outerjoin(said, said.c.id == reviews.c.label_id)
        .outerjoin(meant, meant.c.id == said.c.merged_into)
        .where(reviews.c.undone_s.is_(None), reviews.c.verdict != "skip")
        .group_by(name, cards.c.top_label, cards.c.node_id)
    ).all()


def _shared(one: Any, row: Mapping[str, Any]) -> float:
    shared_s = min(one.end_s, row["end_s"]) - max(one.start_s, row["start_s"])
    shorter_s = min(one.end_s - one.start_s, row["end_s"] - row["start_s"])
    return float(shared_s / shorter_s) if shorter_s > 0 else 0.0
