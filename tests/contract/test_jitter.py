"""The jitter buffer, whatever the network does: order, losses, bounds, and a delay that fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.jitter import CONCEALED_MS, LEAST_MS, LOOK_BACK_MS, MOST_MS, MOST_SKIPPED, Due, JitterBuffer
from contract.live import PACKETS_MS

SEQUENCES = 1 << 16
MOST = MOST_MS // 20


def a_buffer(packet_ms: int = 20) -> JitterBuffer[int]:
    return JitterBuffer(packet_ms, SEQUENCES)


class Listened:
    """A buffer, and what was taken from it. Packets carry their own number."""

    def __init__(self, packet_ms: int = 20, first: int = 0) -> None:
        self.buffer = a_buffer(packet_ms)
        self.first = first
        self.taken: list[Due[int] | None] = []

    def put(self, number: int) -> None:
        self.buffer.put((self.first + number) % SEQUENCES, number)

    def take(self) -> Due[int] | None:
        self.taken.append(self.buffer.take())
        return self.taken[-1]

    @property
    def played(self) -> list[int]:
        return [due.payload for due in self.taken if due is not None]


def play(delays: list[int | None], *, takes: int, first: int = 0) -> Listened:
    """Packets that come so many takes after they were sent, or not at all (None). None overtakes another."""
    listened, coming, latest = Listened(first=first), dict[int, list[int]](), 0
    for number, delay in enumerate(delays):
        if delay is not None:
            latest = max(latest, number + delay)
            coming.setdefault(latest, []).append(number)
    for now in range(takes):
        for number in coming.get(now, ()):
            listened.put(number)
        listened.take()
    return listened


events = st.lists(st.one_of(st.none(), st.integers(0, 60)), max_size=200)


@given(events=events, packet_ms=st.sampled_from(PACKETS_MS), first=st.integers(0, SEQUENCES - 1))
def test_whatever_comes_is_played_once_in_order_or_counted(
    events: list[int | None], packet_ms: int, first: int
) -> None:
    listened = Listened(packet_ms, first)
    buffer, come = listened.buffer, 0
    for event in events:
        if event is None:
            listened.take()
        else:
            come += 1
            listened.put(event)
        assert buffer.depth <= MOST_MS // packet_ms
    heard = [number for due in listened.taken if due for number in (*due.skipped, due.payload)]
    assert heard == sorted(set(heard))
    counts, waiting = buffer.counts, 0
    for _ in range(1000):
        waiting += buffer.take() is not None
        if not buffer.depth:
            break
    assert buffer.depth == 0
    assert counts.played + counts.skipped + counts.late == come
    assert counts.played == len(listened.played) + waiting
    assert all(due.missing >= 0 for due in listened.taken if due)


@given(first=st.integers(0, SEQUENCES - 1))
def test_a_steady_stream_is_played_whole_after_the_least_delay(first: int) -> None:
    listened = play([0] * 300, takes=300, first=first)
    begins = LEAST_MS // 20 - 1
    assert listened.taken[:begins] == [None] * begins
    assert listened.played == list(range(300 - begins))
    counts = listened.buffer.counts
    assert (counts.lost, counts.late, counts.skipped, counts.dry) == (0, 0, 0, 0)


@given(lost=st.sets(st.integers(3, 90), max_size=30))
def test_lost_packets_are_told_and_what_was_concealed_is_not_made_up_for(lost: set[int]) -> None:
    listened = play([None if n in lost else 0 for n in range(100)], takes=100)
    expected = [number for number in range(100) if number not in lost]
    assert listened.played == expected[: len(listened.played)]
    counts = listened.buffer.counts
    heard = listened.played[-1]
    assert counts.lost == sum(number < heard for number in lost)
    told = sum(due.missing for due in listened.taken if due)
    assert told + listened.taken[2:].count(None) >= counts.lost - CONCEALED_MS // 20 * counts.dry


@given(jitter=st.lists(st.integers(0, 6), min_size=400, max_size=400))
def test_after_it_has_learned_what_the_network_needs_it_seldom_runs_dry(jitter: list[int]) -> None:
    """It learns one packet at least each time, of six; afterwards only what it has unlearned."""
    listened = play([*([0] * 20), *jitter], takes=420)
    counts = listened.buffer.counts
    windows = 420 // (LOOK_BACK_MS // 20) + 1
    assert counts.dry <= 6 + MOST_SKIPPED * windows
    assert counts.skipped <= MOST_SKIPPED * windows


def test_a_network_that_calmed_down_is_waited_for_no_longer() -> None:
    listened = play([*([0] * 20), 8, *([0] * 1600)], takes=1600)
    counts = listened.buffer.counts
    assert counts.dry == 1
    # The delay that came with the late one is taken back, packet by packet.
    assert 1 <= counts.skipped <= 8
    assert listened.buffer.depth <= LEAST_MS // 20


def test_a_backlog_is_dropped_at_once() -> None:
    listened = Listened()
    for number in range(5):
        listened.put(number)
        listened.take()
    for number in range(5, 105):
        listened.put(number)
    assert listened.buffer.depth <= MOST
    due = listened.take()
    assert due is not None
    assert due.payload >= 105 - MOST - LEAST_MS // 20


@pytest.mark.parametrize("silence", [CONCEALED_MS // 20 + LEAST_MS // 20, 50])
def test_after_a_long_silence_the_stream_begins_anew(silence: int) -> None:
    listened = play([*([0] * 10), *([None] * silence), *([0] * 30)], takes=40 + silence)
    counts = listened.buffer.counts
    assert counts.dry == 1
    assert counts.lost == silence
    again = next(due for due in listened.taken if due and due.payload >= 10 + silence)
    assert again.missing == 0
    assert again.payload == 10 + silence


def test_nothing_is_concealed_before_the_stream_and_long_after_it() -> None:
    listened = Listened()
    listened.take()
    assert not listened.buffer.dry
    for number in range(3):
        listened.put(number)
    concealed = 0
    for _ in range(30):
        listened.take()
        concealed += listened.buffer.dry
    assert listened.played == [0, 1, 2]
    assert concealed == CONCEALED_MS // 20


@pytest.mark.parametrize("packets", [1, 2, 3])
def test_a_word_shorter_than_the_delay_is_heard(packets: int) -> None:
    assert play([0] * packets, takes=10).played == list(range(packets))


@given(slower=st.sampled_from([50, 100, 500, 5000]), faster=st.booleans())
def test_clocks_that_differ_cause_no_growing_delay(slower: int, faster: bool) -> None:
    """A loudspeaker whose clock is off by up to two percent."""
    listened, sent = Listened(), 0
    deepest = 0
    for now in range(3000):
        off = now // slower
        while sent < now + (off if faster else -off):
            listened.put(sent)
            sent += 1
        listened.take()
        deepest = max(deepest, listened.buffer.depth)
    assert deepest <= 6
    assert listened.buffer.counts.lost == 0
