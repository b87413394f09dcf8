"""The audit log: whatever is changed, taken out, moved or added without its hash is found."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from aggregator.domain.audit import BEGIN, Entry, canonical, first_broken, sealed
from aggregator.services.audit import AuditService
from aggregator.store.database import Database

ENTRIES = st.lists(
    st.tuples(st.floats(0, 1e10), st.text(max_size=20), st.dictionaries(st.text(max_size=5), st.integers())),
    min_size=1, max_size=8,
)  # fmt: skip


def chain(content: list[tuple[float, str, dict[str, int]]]) -> list[Entry]:
    entries: list[Entry] = []
    for number, (at_s, who, details) in enumerate(content, 1):
        previous = entries[-1].hash if entries else BEGIN
        text_ = canonical(details)
        digest = sealed(previous, at_s, who, "act", text_)
        entries.append(
            Entry(id=number, at_s=at_s, who=who, action="act", details=text_, previous=previous, hash=digest)
        )
    return entries


@given(ENTRIES, st.data())
def test_nothing_is_changed_unseen(
    content: list[tuple[float, str, dict[str, int]]], data: st.DataObject
) -> None:
    entries = chain(content)
    assert first_broken(entries) == (None, entries[-1].hash)
    victim = data.draw(st.integers(0, len(entries) - 1))
    one = entries[victim]
    fields = {
        name: getattr(one, name) for name in ("id", "at_s", "who", "action", "details", "previous", "hash")
    }
    name, value = data.draw(
        st.sampled_from((("who", one.who + "x"), ("at_s", one.at_s + 1e6), ("details", one.details + " "),
                         ("action", "acted"), ("hash", "f" * 64), ("previous", "f" * 64)))
    )  # fmt: skip
    changed = [*entries[:victim], Entry(**(fields | {name: value})), *entries[victim + 1 :]]
    assert first_broken(changed)[0] == victim + 1
    gone = [*entries[:victim], *entries[victim + 1 :]]
    if victim < len(entries) - 1:
        assert first_broken(gone)[0] == victim + 2


def test_the_log_holds_whoever_writes_at_the_same_time(any_database: Database) -> None:
    def write(who: str) -> None:
        service = AuditService(any_database)
        for number in range(10):
            service.record(who, "test", {"number": number})

    writers = [threading.Thread(target=write, args=(name,)) for name in ("ada", "bo", "cy")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = AuditService(any_database).verify()
    assert (found.entries, found.intact, found.broken_id) == (30, True, None)


def test_a_head_that_was_kept_shows_that_the_end_is_gone(database: Database) -> None:
    log = AuditService(database)
    for number in range(3):
        log.record("ada", "test", {"number": number})
    head = log.verify().head
    assert log.verify(head).intact
    with database.write() as connection:
        connection.execute(text("DELETE FROM audit WHERE id = 3"))
    assert log.verify().intact, "the chain alone does not tell"
    found = log.verify(head)
    assert (found.intact, found.head_known) == (False, False)


@pytest.mark.parametrize("who", ["", "   "])
def test_nobody_is_nameless(database: Database, who: str) -> None:
    log = AuditService(database)
    log.record(who, "test", {})
    assert log.newest()[0].who == "somebody"
