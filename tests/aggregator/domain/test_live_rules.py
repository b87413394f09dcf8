"""The rules of live listening: where sound lies, what was lost, who may."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.listening import LEVELS, allowed, refusal
from aggregator.domain.live_rates import SPAN_S, RateMeter, wire_bytes
from aggregator.domain.live_timeline import BREAK_S, LONGEST_SILENCE_S, Timeline
from contract.live import CODECS

RATE_HZ, PACKET = 16_000, 320


@given(st.lists(st.tuples(st.sampled_from(["sound", "rest"]), st.floats(-100, 200)), max_size=50))
def test_positions_never_go_back(steps: list[tuple[str, float]]) -> None:
    timeline, now_s = Timeline(), 1000.0
    for kind, passed_s in steps:
        now_s += passed_s
        before = timeline.end
        if kind == "rest":
            timeline.rest_until(now_s)
        elif timeline.goes_on(now_s, PACKET):
            timeline.extend(now_s, PACKET)
            assert timeline.end == before + PACKET
        else:
            assert before <= timeline.begin(now_s, PACKET) == timeline.end - PACKET
        assert before <= timeline.end <= before + PACKET + LONGEST_SILENCE_S * RATE_HZ


def test_silence_takes_the_place_that_it_took() -> None:
    timeline = Timeline()
    assert timeline.begin(10.02, PACKET) == 0
    timeline.extend(10.04, PACKET)
    timeline.rest_until(11.04)
    assert not timeline.goes_on(13.04, PACKET)
    assert timeline.begin(13.04, PACKET) == 3 * RATE_HZ + PACKET


def test_a_clock_that_jitters_or_drifts_breaks_nothing() -> None:
    timeline, captured_s = Timeline(), 0.0
    timeline.begin(0.02, PACKET)
    for number in range(180_000):  # an hour
        captured_s = 0.02 + (number + 1) * 0.02 * (1 + 100e-6) + (number % 3 - 1) * BREAK_S / 3
        assert timeline.goes_on(captured_s, PACKET)
        timeline.extend(captured_s, PACKET)
    assert timeline.end == 180_001 * PACKET


def test_a_clock_that_was_set_leaves_no_hole() -> None:
    timeline = Timeline()
    timeline.begin(10.0, PACKET)
    assert timeline.begin(100_000.0, PACKET) == PACKET
    assert timeline.begin(5.0, PACKET) == 2 * PACKET


def test_what_was_lost_is_counted_around_the_end_of_the_numbers() -> None:
    meter = RateMeter()
    for now_s, sequence in enumerate([65_533, 65_534, 1, 2]):
        meter.take(
            now_s=now_s / 10, sequence=sequence, modulo=65_536, payload_bytes=40, wire_bytes=140, delay_s=0.01
        )
    rates = meter.rates(1.0)
    assert rates.lost == 2 / 6
    assert (rates.payload_bps, rates.wire_bps, rates.delay_s) == (4 * 320, 4 * 1120, 0.01)
    assert meter.rates(0.4 + 2 * SPAN_S).delay_s is None


@given(st.lists(st.integers(0, 65_535), min_size=1, max_size=60))
def test_any_numbers_give_a_share(sequences: list[int]) -> None:
    meter = RateMeter()
    for sequence in sequences:
        meter.take(now_s=1.0, sequence=sequence, modulo=65_536, payload_bytes=1, wire_bytes=2, delay_s=0.0)
    assert 0 <= meter.rates(1.0).lost < 1


def test_headers_weigh_more_than_short_packets() -> None:
    assert wire_bytes("soundpost/v1/attic/live", 53) == 53 + 23 + 5 + 52


@given(st.sampled_from(LEVELS), st.lists(st.sampled_from(CODECS)), st.sampled_from(CODECS))
def test_a_reason_is_given_exactly_where_it_is_not_allowed(
    level: str, offered: list[str], codec: str
) -> None:
    may = allowed(level, offered)
    assert (refusal("attic", level, offered, codec) == "") == (codec in may)
    assert set(may) <= set(offered)
    assert "opus" not in may or level == "sound"
