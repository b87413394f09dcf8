"""Who may listen, who shares a stream, what is written down: over a real store, with a carrier in memory."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from aggregator.domain.listening import FEATURES, OFF, SOUND, Quality
from aggregator.errors import ListeningError, NotAllowedError, UnknownNodeError
from aggregator.services.audit import AuditService
from aggregator.services.ingest import IngestService
from aggregator.services.listening import ListeningService
from aggregator.services.live_gapless import LAG_S, PATIENCE_S, gapless
from aggregator.services.live_sound import Heard
from aggregator.services.live_streams import LEASE_S, MOST_WAITING, LiveStreams, Receiver
from aggregator.store.database import Database
from contract.commands import Command
from contract.live import SoundPacket
from tests.aggregator.messages import birth, incoming, state
from tests.aggregator.test_live_sound import HOP, noise, packets

NODE = "attic"
QUALITY = Quality(codec="15k", packet_ms=20)


class FakeCarrier:
    """Keeps what nodes are told; a test brings their packets."""

    def __init__(self) -> None:
        self.receiver: Receiver | None = None

    def carry(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def told(self) -> list[Command]:
        assert self.receiver is not None
        return [command for node, command in self.receiver.orders() if node == NODE]

    def bring(self, packet: SoundPacket) -> None:
        assert self.receiver is not None
        self.receiver.packet(NODE, packet, 150)


@pytest.fixture
def carrier() -> FakeCarrier:
    return FakeCarrier()


@pytest.fixture
def streams(carrier: FakeCarrier) -> Iterator[LiveStreams]:
    made = LiveStreams(carrier)
    yield made
    made.close()


@pytest.fixture
def service(database: Database, streams: LiveStreams) -> ListeningService:
    come(database)
    return ListeningService(database, streams, seats=2)


def come(database: Database, *, online: bool = True, listening: tuple[str, ...] = ("15k", "opus")) -> None:
    """The node introduces itself."""
    born = replace(birth(), listening=listening)
    IngestService(database, "soundpost").store([incoming(born, NODE), incoming(state(online=online), NODE)])


def written(database: Database) -> list[tuple[str, str, dict[str, object]]]:
    newest = AuditService(database).newest()
    return [(one.who, one.action, dict(one.details)) for one in reversed(newest)]


def test_nobody_listens_until_it_is_allowed(any_database: Database, streams: LiveStreams) -> None:
    come(any_database)
    service = ListeningService(any_database, streams, seats=2)
    with pytest.raises(NotAllowedError, match="until that is allowed"), service.listen(NODE, QUALITY, "Ada"):
        pass
    service.allow(NODE, FEATURES, "Ada")
    with service.listen(NODE, QUALITY, "Ada"):
        pass
    opus = replace(QUALITY, codec="opus")
    with pytest.raises(NotAllowedError, match="made again from features"), service.listen(NODE, opus, "Ada"):
        pass
    service.allow(NODE, SOUND, "Ada")
    with service.listen(NODE, opus, "Ada"):
        pass
    service.allow(NODE, OFF, "Ada")
    with pytest.raises(NotAllowedError), service.listen(NODE, QUALITY, "Ada"):
        pass


def test_the_owner_has_the_last_word(service: ListeningService, database: Database) -> None:
    service.allow(NODE, SOUND, "Ada")
    come(database, listening=())
    with pytest.raises(NotAllowedError, match="owner"), service.listen(NODE, QUALITY, "Ada"):
        pass


def test_a_node_that_is_away_or_unknown_is_not_waited_for(
    service: ListeningService, database: Database
) -> None:
    service.allow(NODE, FEATURES, "Ada")
    come(database, online=False)
    with pytest.raises(ListeningError, match="not connected"), service.listen(NODE, QUALITY, "Ada"):
        pass
    with pytest.raises(UnknownNodeError):
        service.allow("nowhere", FEATURES, "Ada")
    with pytest.raises(ListeningError, match="one of"):
        service.allow(NODE, "everything", "Ada")
    for wrong in (replace(QUALITY, codec="mp3"), replace(QUALITY, packet_ms=30)):
        with pytest.raises(ListeningError, match="no node knows"), service.listen(NODE, wrong, "Ada"):
            pass


def test_who_listened_and_how_long_is_written_down(service: ListeningService, database: Database) -> None:
    service.allow(NODE, FEATURES, "Ada")
    with pytest.raises(RuntimeError), service.listen(NODE, QUALITY, "Bob"):
        raise RuntimeError("the line broke")
    allowed, began, ended = written(database)
    assert allowed == ("Ada", "allow listening", {"node": NODE, "level": FEATURES})
    assert began == ("Bob", "listen live", {"node": NODE, "codec": "15k"})
    seconds = ended[2].pop("seconds")
    assert ended == ("Bob", "listened live", {"node": NODE, "codec": "15k"})
    assert isinstance(seconds, float)


def test_seats_are_counted_and_given_back(service: ListeningService) -> None:
    service.allow(NODE, FEATURES, "Ada")
    with (
        service.listen(NODE, QUALITY, "Ada"),
        service.listen(NODE, QUALITY, "Bob"),
        pytest.raises(ListeningError, match="2 people listen already"),
        service.listen(NODE, QUALITY, "Cy"),
    ):
        pass
    with service.listen(NODE, QUALITY, "Cy"):
        pass


def test_listeners_are_cut_off_when_it_is_no_longer_allowed(service: ListeningService) -> None:
    service.allow(NODE, SOUND, "Ada")
    with (
        service.listen(NODE, QUALITY, "Ada") as features,
        service.listen(NODE, replace(QUALITY, codec="opus"), "Bob") as sound,
    ):
        service.allow(NODE, FEATURES, "Ada")
        assert (features.closed, sound.closed) == (False, True)
        service.allow(NODE, OFF, "Ada")
        assert features.closed


def test_several_listeners_share_one_stream(streams: LiveStreams, carrier: FakeCarrier) -> None:
    with ExitStack() as listeners:
        ears = [listeners.enter_context(streams.join(NODE, QUALITY)) for _ in range(10)]
        (order,) = carrier.told()
        assert order.listen is not None
        assert order.listen.lease_s == LEASE_S
        assert carrier.told() == []  # it is renewed later
        for packet in packets(noise(0.3)):
            carrier.bring(replace(packet, session=order.listen.session))
        first = [ear.next(0.0) for ear in ears]
        assert first[0] is not None
        assert all(one is first[0] for one in first)
        assert ears[0].listeners == 10
        assert ears[0].rates.payload_bps > 0
    (end,) = carrier.told()
    assert end.listen is not None
    assert (end.listen.session, end.listen.lease_s) == (order.listen.session, 0.0)
    assert not streams.wanted


def test_other_wishes_make_other_streams(streams: LiveStreams, carrier: FakeCarrier) -> None:
    with streams.join(NODE, QUALITY), streams.join(NODE, replace(QUALITY, packet_ms=60)):
        sessions = {order.listen.session for order in carrier.told() if order.listen is not None}
        assert len(sessions) == 2


def test_packets_of_nobodys_stream_are_passed_over(streams: LiveStreams, carrier: FakeCarrier) -> None:
    with streams.join(NODE, QUALITY) as ear:
        (order,) = carrier.told()
        assert order.listen is not None
        for packet in packets(noise(0.2)):
            carrier.bring(packet)
            carrier.bring(replace(packet, session=order.listen.session, codec="8k"))
        bad = replace(packets(noise(0.02))[0], session=order.listen.session, payload=b"no packet at all")
        carrier.bring(bad)
        assert ear.next(0.0) is None


def test_whoever_does_not_keep_up_loses_the_oldest(streams: LiveStreams, carrier: FakeCarrier) -> None:
    with streams.join(NODE, QUALITY) as ear:
        (order,) = carrier.told()
        assert order.listen is not None
        for packet in packets(noise(2.0)):
            carrier.bring(replace(packet, session=order.listen.session))
        waiting = []
        while (heard := ear.next(0.0)) is not None:
            waiting.append(heard.position)
        assert len(waiting) == MOST_WAITING
        assert waiting[-1] == (100 - 3) * HOP
        assert ear.missed == 98 - MOST_WAITING


def test_whoever_waits_is_woken_at_the_end(streams: LiveStreams) -> None:
    with streams.join(NODE, QUALITY) as ear:
        ended = threading.Event()
        waiter = threading.Thread(target=lambda: (ear.next(60.0), ended.set()))
        waiter.start()
        streams.close()
        assert ended.wait(20)
        waiter.join()


class Scripted:
    """An ear that hears what was written down, and a clock that goes on with each look."""

    def __init__(self, script: list[Heard | None]) -> None:
        self._script, self.closed, self.now_s = script, False, 0.0

    def next(self, timeout_s: float) -> Heard | None:
        self.now_s += timeout_s
        self.closed = len(self._script) == 1
        return self._script.pop(0)

    def steady(self) -> float:
        return self.now_s


def piece(position: int, samples: int) -> Heard:
    sound = np.full(samples, 7, np.int16)
    return Heard(position=position, samples=sound, captured_s=0.0, concealed=0, quiet=False)


def test_a_stream_without_holes_is_silent_where_nothing_came() -> None:
    ear = Scripted([piece(0, 320), piece(320, 320), piece(1600, 320), piece(1600, 640)])
    whole = np.concatenate(list(gapless(ear, steady=ear.steady)))  # type: ignore[arg-type]
    assert len(whole) == 2240
    assert not whole[640:1600].any()
    assert whole[:640].all()
    assert whole[1600:].all()


def test_a_stream_without_holes_goes_on_in_a_pause_and_cuts_nothing_behind_it() -> None:
    ear = Scripted([piece(0, 320), *[None] * 20, piece(32_000, 320)])
    pieces = list(gapless(ear, steady=ear.steady))  # type: ignore[arg-type]
    before = sum(len(one) for one in pieces[1:-2])
    assert before == pytest.approx((2.0 - LAG_S) * 16_000, abs=1700)
    whole = np.concatenate(pieces)
    assert len(whole) == 32_320
    assert np.count_nonzero(whole) == 640


def test_a_node_that_sends_nothing_is_given_up() -> None:
    ear = Scripted([None] * round(20 * PATIENCE_S))
    assert list(gapless(ear, steady=ear.steady)) == []  # type: ignore[arg-type]
    assert not ear.closed
