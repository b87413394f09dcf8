"""Rows of users, of their sessions and of their tokens."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, update

from aggregator.store.account_tables import sessions, tokens, users
from aggregator.store.insert import unless_there


def lock(connection: Connection) -> None:
    """Nobody else changes users before this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")


def every(connection: Connection) -> Sequence[Any]:
    """All users by name."""
    return connection.execute(select(users).order_by(users.c.key)).all()


def any_there(connection: Connection) -> bool:
    """Whether there is a user."""
    return connection.scalar(select(users.c.id).limit(1)) is not None


def by_key(connection: Connection, key: str) -> Any | None:
    """One user."""
    return connection.execute(select(users).where(users.c.key == key)).one_or_none()


def add(connection: Connection, row: dict[str, Any]) -> int | None:
    """Enter a user; None if the name is taken."""
    entered = unless_there(connection, users).values(**row).returning(users.c.id)
    number: int | None = connection.execute(entered).scalar_one_or_none()
    return number


def change(connection: Connection, user_id: int, **values: Any) -> None:
    """Change what is known of a user."""
    connection.execute(update(users).where(users.c.id == user_id).values(**values))


def use_code(connection: Connection, user_id: int, step: int) -> bool:
    """Note that the code of ``step`` was used; False if it or a later one was used before."""
    wanted = and_(users.c.id == user_id, users.c.totp_step < step)
    return connection.execute(update(users).where(wanted).values(totp_step=step)).rowcount == 1


def remove(connection: Connection, user_id: int) -> None:
    """Delete a user with sessions and tokens."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
    connection.execute(delete(tokens).where(tokens.c.user_id == user_id))
    connection.execute(delete(users).where(users.c.id == user_id))


def begin_session(connection: Connection, row: dict[str, Any]) -> None:
    """Enter a session; those that have run out go."""
    connection.execute(delete(sessions).where(sessions.c.ends_s <= row["begun_s"]))
    connection.execute(sessions.insert().values(**row))


def of_session(connection: Connection, session_hash: str, now_s: float) -> Any | None:
    """The user of a session that has not ended."""
    both = select(users.c.name, users.c.roles).join(sessions, sessions.c.user_id == users.c.id)
    wanted = both.where(sessions.c.hash == session_hash, sessions.c.ends_s > now_s)
    return connection.execute(wanted).one_or_none()


def end_session(connection: Connection, session_hash: str) -> None:
    """Delete a session."""
    connection.execute(delete(sessions).where(sessions.c.hash == session_hash))


def end_sessions(connection: Connection, user_id: int, but_hash: str = "") -> None:
    """Delete the sessions of a user, but one."""
    mine = and_(sessions.c.user_id == user_id, sessions.c.hash != but_hash)
    connection.execute(delete(sessions).where(mine))


def count_sessions(connection: Connection, user_id: int, now_s: float) -> int:
    """How many sessions of a user have not ended."""
    mine = and_(sessions.c.user_id == user_id, sessions.c.ends_s > now_s)
    return int(connection.scalar(select(func.count()).select_from(sessions).where(mine)) or 0)
