"""Rows of reviews and claims: who said what, and who is looking at what."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, update

from aggregator.store.insert import Rows, insert_all, unless_there
from aggregator.store.review_tables import cards, review_claims, review_labels, reviews
from aggregator.store.tables import nodes, windows


def claim(connection: Connection, window_id: int, reviewer: str, now_s: float, until_s: float) -> bool:
    """Take a window, or keep it longer; False if somebody else has it."""
    entered: Any = unless_there(connection, review_claims)
    taken = {"window_id": window_id, "reviewer": reviewer, "until_s": until_s}
    if connection.execute(entered.values(**taken).returning(review_claims.c.window_id)).one_or_none():
        return True
    mine_or_over = (review_claims.c.reviewer == reviewer) | (review_claims.c.until_s <= now_s)
    renewed = (
        update(review_claims)
        .where(review_claims.c.window_id == window_id, mine_or_over)
        .values(reviewer=reviewer, until_s=until_s)
        .returning(review_claims.c.window_id)
    )
    return connection.execute(renewed).one_or_none() is not None


def release(connection: Connection, reviewer: str, window_ids: Sequence[int] | None = None) -> None:
    """Give windows back, or all that ``reviewer`` has."""
    wanted = delete(review_claims).where(review_claims.c.reviewer == reviewer)
    if window_ids is not None:
        wanted = wanted.where(review_claims.c.window_id.in_(window_ids))
    connection.execute(wanted)


def delete_claims(connection: Connection, before_s: float) -> None:
    """Forget claims that ended before a moment."""
    connection.execute(delete(review_claims).where(review_claims.c.until_s < before_s))


def answers_of(connection: Connection, window_id: int) -> int | None:
    """How many answers a card has; None if there is no such card."""
    return connection.scalar(select(cards.c.answers).where(cards.c.window_id == window_id))


def stored(connection: Connection, window_ids: Sequence[int]) -> set[int]:
    """Those of ``window_ids`` that are stored."""
    found: set[int] = set()
    for begin in range(0, len(window_ids), 500):
        some = window_ids[begin : begin + 500]
        found.update(connection.scalars(select(windows.c.id).where(windows.c.id.in_(some))))
    return found


def add(connection: Connection, rows: Rows) -> None:
    """Store reviews."""
    insert_all(connection, reviews, rows)


def last_batch(connection: Connection, reviewer: str) -> str | None:
    """What ``reviewer`` did last on a card and has not undone."""
    wanted = select(reviews.c.batch).where(
        reviews.c.reviewer == reviewer, reviews.c.undone_s.is_(None), reviews.c.source != "import"
    )
    return connection.scalar(wanted.order_by(reviews.c.id.desc()).limit(1))


def undo(connection: Connection, reviewer: str, batch: str, now_s: float) -> list[int]:
    """Undo what was done together; the windows, in the order of answering."""
    of_batch = (reviews.c.batch == batch, reviews.c.reviewer == reviewer, reviews.c.undone_s.is_(None))
    window_ids = list(connection.scalars(select(reviews.c.window_id).where(*of_batch).order_by(reviews.c.id)))
    connection.execute(update(reviews).where(*of_batch).values(undone_s=now_s))
    return window_ids


def of_window(connection: Connection, window_id: int) -> Sequence[Any]:
    """Every review of a window, also undone ones, the oldest first."""
    return connection.execute(_named().where(reviews.c.window_id == window_id).order_by(reviews.c.id)).all()


def recent(connection: Connection, limit: int) -> Sequence[Any]:
    """The reviews made last, newest first."""
    return connection.execute(_named().order_by(reviews.c.id.desc()).limit(limit)).all()


def in_force(
    connection: Connection, window_ids: Sequence[int] | None = None, *, frontend_digest: str | None = None
) -> Sequence[Any]:
    """Every review that was not undone, or those of some windows or of one front end, window by window."""
    wanted = _named().where(reviews.c.undone_s.is_(None)).order_by(reviews.c.window_id, reviews.c.id)
    if window_ids is not None:
        wanted = wanted.where(reviews.c.window_id.in_(window_ids))
    if frontend_digest is not None:
        wanted = wanted.where(windows.c.frontend_digest == frontend_digest)
    return connection.execute(wanted).all()


def of_reviewer(connection: Connection, reviewer: str, window_ids: Sequence[int]) -> Sequence[Any]:
    """The reviews in force that a reviewer gave of some windows, in the order of giving."""
    found: list[Any] = []
    for begin in range(0, len(window_ids), 500):
        some = window_ids[begin : begin + 500]
        wanted = select(reviews).where(
            reviews.c.reviewer == reviewer, reviews.c.undone_s.is_(None), reviews.c.window_id.in_(some)
        )
        found += connection.execute(wanted.order_by(reviews.c.id)).all()
    return found


def seen_by_several(connection: Connection, limit: int) -> list[int]:
    """The windows that more than one reviewer spoke about and that were answered last."""
    wanted = (
        select(reviews.c.window_id)
        .where(reviews.c.undone_s.is_(None), reviews.c.verdict != "skip")
        .group_by(reviews.c.window_id)
        .having(func.count(reviews.c.reviewer.distinct()) > 1)
        .order_by(func.max(reviews.c.id).desc())
        .limit(limit)
    )
    return list(connection.scalars(wanted))


def by_reviewer(connection: Connection) -> Sequence[Any]:
    """Rows of reviewer, answers in force (no skips), skips, and when the last was given."""
    is_skip = reviews.c.verdict == "skip"
    wanted = (
        select(
            reviews.c.reviewer,
            func.count().filter(~is_skip).label("answers"),
            func.count().filter(is_skip).label("skips"),
            func.max(reviews.c.made_s).label("last_s"),
        )
        .where(reviews.c.undone_s.is_(None))
        .group_by(reviews.c.reviewer)
    )
    return connection.execute(wanted.order_by(reviews.c.reviewer)).all()


def state(connection: Connection) -> tuple[Any, ...]:
    """A value that changes whenever the reviews do."""
    newest = connection.execute(select(func.max(reviews.c.id), func.max(reviews.c.undone_s))).one()
    labels = connection.execute(select(func.count(), func.max(review_labels.c.changed_s))).one()
    return (*newest, *labels)


def _named() -> Select[Any]:
    """Reviews with the names of labels (of merged ones, that which they count as), windows and nodes."""
    said, meant = review_labels.alias("said"), review_labels.alias("meant")
    return (
        select(
            reviews,
            windows.c.node_id,
            windows.c.reason,
            windows.c.frontend_digest,
            windows.c.start_s,
            windows.c.end_s,
            nodes.c.name.label("node"),
            said.c.name.label("said"),
            func.coalesce(meant.c.id, said.c.id).label("meant_id"),
            func.coalesce(meant.c.name, said.c.name).label("label"),
        )
        .join(windows, windows.c.id == reviews.c.window_id)
        .join(nodes, nodes.c.id == windows.c.node_id)
        .outerjoin(said, said.c.id == reviews.c.label_id)
        .outerjoin(meant, meant.c.id == said.c.merged_into)
    )
