"""Average, threshold, hold, refractory time."""

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from contract.detector import HOLD_S, Detector, Found

STEP_S = 0.1


def detector(threshold: float = 0.5, smoothing_s: float = 0.0, refractory_s: float = 1.0) -> Detector:
    return Detector(
        ["a", "_none_"], {"a": threshold}, smoothing_s=smoothing_s, refractory_s=refractory_s, step_s=STEP_S
    )


def run(heard: Detector, values: list[float]) -> list[Found]:
    found = []
    for value in values:
        found += heard.feed([value, 1 - value])
    return found + heard.finish()


def test_a_peak_is_reported_once_when_it_has_passed() -> None:
    [found] = run(detector(), [0.1, 0.6, 0.9, 0.7, 0.6, 0.1])
    assert (found.start_step, found.end_step, found.label) == (1, 3, "a")
    assert abs(found.posterior - 0.9) < 1e-6


def test_a_long_sound_is_reported_after_the_hold_and_only_once() -> None:
    values = [0.5 + 0.01 * step for step in range(30)]
    [found] = run(detector(), values)
    assert found.end_step - found.start_step == round(HOLD_S / STEP_S)


def test_after_it_fell_a_label_is_silent_for_the_refractory_time() -> None:
    burst = [0.9, 0.1]
    assert len(run(detector(refractory_s=1.0), burst + [0.1] * 5 + burst)) == 1
    assert len(run(detector(refractory_s=1.0), burst + [0.1] * 12 + burst)) == 2
    assert len(run(detector(refractory_s=0.0), burst + burst)) == 2


def test_the_average_rises_slowly() -> None:
    assert run(detector(smoothing_s=0.5), [1.0, 1.0, 0.0, 0.0]) == []
    heard = detector(smoothing_s=0.5)
    run(heard, [1.0] * 5)
    assert abs(heard.average[0] - (1 - math.exp(-1))) < 1e-9


def test_a_threshold_of_one_switches_a_label_off() -> None:
    assert run(detector(threshold=1.0), [1.0] * 20) == []


def test_the_end_of_a_stream_reports_what_waits() -> None:
    [found] = run(detector(), [0.1, 0.8])
    assert (found.start_step, found.end_step) == (1, 1)


def test_no_posterior_poisons_the_average() -> None:
    heard = detector()
    run(heard, [float("nan"), float("inf"), float("-inf")])
    assert all(math.isfinite(value) for value in heard.average)


@given(st.lists(st.floats(0, 1), max_size=200), st.floats(0.05, 0.95), st.floats(0, 0.5), st.floats(0, 2))
def test_what_is_found_keeps_to_its_promises(
    values: list[float], threshold: float, smoothing_s: float, refractory_s: float
) -> None:
    found = run(detector(threshold, smoothing_s, refractory_s), values)
    hold = round(HOLD_S / STEP_S)
    for one in found:
        assert threshold <= one.posterior <= 1
        assert 0 <= one.end_step - one.start_step <= hold
    for one, other in itertools.pairwise(found):
        assert other.start_step >= one.end_step + round(refractory_s / STEP_S)
