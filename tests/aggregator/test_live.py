"""The live feed: what is stored reaches every listener, once, in order."""

from aggregator.services.ingest import IngestService
from aggregator.services.live import MOST_WAITING, Listener, LiveChange, LiveFeed
from aggregator.services.tail import Place, Tail
from aggregator.store.database import Database
from contract.record import Record
from tests.aggregator.messages import NAMESPACE, NOW_S, birth, detection, features, heartbeat, incoming, state


def store(database: Database, *records: Record) -> None:
    IngestService(database, NAMESPACE).store([incoming(record) for record in records])


def gather(listener: Listener, detections: int) -> list[LiveChange]:
    changes: list[LiveChange] = []
    while sum(len(change.detections) for change in changes) < detections:
        change = listener.next(timeout_s=20)
        assert change is not None
        changes.append(change)
    return changes


def test_a_listener_is_told_what_comes_from_now_on(any_database: Database) -> None:
    store(any_database, detection(1))
    feed = LiveFeed(any_database, poll_s=0.01)
    with feed.listen() as listener:
        store(any_database, birth(), detection(2), features(3, detection=2))
        changes = gather(listener, 1)
    feed.close()
    (told,) = [item for change in changes for item in change.detections]
    windows = [item for change in changes for item in change.windows]
    assert (told.sequence, told.node) == (2, "attic")
    assert [window.detection_id for window in windows] == [told.id]
    assert {node.name for change in changes for node in change.nodes} == {"attic"}


def test_every_listener_is_told_and_goes_on_from_its_cursor(database: Database) -> None:
    feed = LiveFeed(database, poll_s=0.01)
    with feed.listen() as one, feed.listen() as other:
        store(database, detection(1), detection(2))
        cursor = gather(one, 2)[-1].cursor
        assert len(gather(other, 2)) >= 1
        store(database, detection(3))
    with feed.listen(cursor) as again:
        sequences = [item.sequence for change in gather(again, 1) for item in change.detections]
    feed.close()
    assert sequences == [3]


def test_a_cursor_that_is_nonsense_begins_with_now(database: Database) -> None:
    store(database, detection(1))
    feed = LiveFeed(database, poll_s=0.01)
    with feed.listen("nonsense") as listener:
        assert listener.next(timeout_s=0.1) is None
    feed.close()
    with feed.listen() as listener:
        assert listener.closed
        assert listener.next(timeout_s=10) is None


def test_closing_wakes_whoever_waits(database: Database) -> None:
    feed = LiveFeed(database, poll_s=0.01)
    with feed.listen() as listener:
        feed.close()
        assert listener.next(timeout_s=20) is None
        assert listener.closed


def test_a_listener_that_does_not_listen_is_closed() -> None:
    listener = Listener()
    change = LiveChange(cursor="0-0-0", detections=(), windows=(), nodes=())
    for _ in range(MOST_WAITING + 1):
        listener.tell(change)
    assert listener.closed
    assert listener.next(timeout_s=1) == change


def test_the_tail_is_read_in_slices(any_database: Database) -> None:
    store(any_database, *(detection(sequence) for sequence in range(1, 451)))
    tail = Tail(any_database, silent_after_s=30)
    place, told = Place(detection=0, window=0, revision=0), 0
    while news := tail.after(place).detections:
        told += len(news)
        place = tail.after(place).place
    assert told == 450
    assert tail.place().detection == place.detection


def test_a_node_that_falls_silent_is_news(database: Database) -> None:
    now_s = NOW_S
    tail = Tail(database, silent_after_s=30, now=lambda: now_s)
    store(database, birth(), state(), heartbeat())
    assert tail.fallen_silent() == ()
    now_s += 60
    assert [view.status for view in tail.fallen_silent()] == ["silent"]
    assert tail.fallen_silent() == ()
