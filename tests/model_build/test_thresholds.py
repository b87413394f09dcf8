import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.detector import Detector
from model_build.evaluate import Heard
from model_build.recipe import DecisionRecipe, load_recipe
from model_build.sweep import STEP_S
from model_build.thresholds import CANDIDATES, choose_thresholds, raise_by_margin, spend

LABELS = ("dog", "rain", "_background_")
DECISION = dataclasses.replace(
    load_recipe("sounds").decision, smoothing_s=0.0, threshold_least=0.5, threshold_precision=0.9
)


def heard(label: str, *rows: tuple[float, float, float]) -> Heard:
    return Heard(label=label, posteriors=np.array(rows, np.float32), levels_db=(-20.0,) * len(rows))


def false_alarms(streams: list[Heard], thresholds: dict[str, float], decision: DecisionRecipe) -> int:
    total = 0
    for stream in streams:
        detector = Detector(
            LABELS,
            thresholds,
            smoothing_s=decision.smoothing_s,
            refractory_s=decision.refractory_s,
            step_s=STEP_S,
        )
        total += sum(len(detector.feed(row)) for row in stream.posteriors.tolist()) + len(detector.finish())
    return total


def test_without_streams_a_threshold_rises_until_what_it_lets_through_is_right() -> None:
    clips = [
        heard("dog", (0.95, 0.05, 0.0)),
        heard("_background_", (0.72, 0.1, 0.18)),
        heard("rain", (0.0, 0.9, 0.1)),
    ]
    assert choose_thresholds(clips, [], LABELS, DECISION) == {"dog": 0.73, "rain": 0.5}


def test_a_label_that_is_never_right_gets_the_highest_threshold() -> None:
    clips = [heard("rain", (0.995, 0.0, 0.0))]
    assert choose_thresholds(clips, [], LABELS, DECISION)["dog"] == CANDIDATES[-1]


def test_a_stream_pushes_a_threshold_over_its_loudest_false_alarm() -> None:
    clips = [heard("dog", (0.95, 0.0, 0.0)), heard("dog", (0.7, 0.0, 0.0)), heard("rain", (0.0, 0.8, 0.0))]
    stream = heard("_background_", *[(0.0, 0.0, 1.0)] * 20, (0.8, 0.2, 0.0), *[(0.0, 0.0, 1.0)] * 20)
    chosen = choose_thresholds(clips, [stream], LABELS, DECISION)
    assert 0.8 < chosen["dog"] <= 0.95
    assert chosen["rain"] == 0.8


def test_a_false_alarm_that_the_budget_allows_is_spent_where_it_saves_most() -> None:
    clips = [heard("dog", (0.6, 0.0, 0.0))] * 4 + [heard("dog", (0.905, 0.0, 0.0))]
    clips += [heard("rain", (0.0, 0.6, 0.0))] + [heard("rain", (0.0, 0.905, 0.0))] * 4
    hour = [(0.0, 0.0, 1.0)] * round(3.1 * 3600 / STEP_S)
    hour[1000], hour[5000] = (0.7, 0.0, 0.3), (0.0, 0.7, 0.3)
    chosen = choose_thresholds(clips, [heard("_background_", *hour)], LABELS, DECISION)
    assert chosen["dog"] == 0.6
    assert chosen["rain"] == 0.9


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(20, 300))
def test_the_budget_is_kept_on_what_it_was_chosen_on(seed: int, steps: int) -> None:
    """A stretch this short allows no false alarm at all; nothing in it reaches the highest candidate."""
    draw = np.random.default_rng(seed)
    decision = dataclasses.replace(DECISION, smoothing_s=0.12, refractory_s=0.3)
    streams = [heard("_background_", *(draw.random((steps, 3)) * 0.98)) for _ in range(2)]
    clips = [heard(label, *draw.random((10, 3))) for label in LABELS for _ in range(6)]
    chosen = choose_thresholds(clips, streams, LABELS, decision)
    nothing = [*streams, *(clip for clip in clips if clip.label == "_background_")]
    assert set(chosen) == {"dog", "rain"}
    assert false_alarms(nothing, chosen, decision) == 0


rates = st.lists(st.floats(0, 1), min_size=8, max_size=8).map(lambda r: np.array(sorted(r, reverse=True)))
counts = st.lists(st.integers(0, 9), min_size=7, max_size=7).map(lambda c: np.array([*sorted(c)[::-1], 0]))


@settings(deadline=None)
@given(hits=st.tuples(rates, rates), alarms=st.tuples(counts, counts), allowed=st.integers(0, 20))
def test_spending_stays_within_what_is_allowed_and_uses_what_is_free(hits, alarms, allowed: int) -> None:
    places = spend(dict(enumerate(hits)), dict(enumerate(alarms)), {0: 1, 1: 0}, allowed)
    assert sum(alarms[label][place] for label, place in places.items()) <= allowed
    for label, place in places.items():
        free = [g for g in range({0: 1, 1: 0}[label], 8) if alarms[label][g] <= alarms[label][place]]
        assert hits[label][place] == max(hits[label][free])


@settings(deadline=None)
@given(hits=rates, place=st.integers(0, 7))
def test_a_margin_never_lowers_and_costs_little(hits: np.ndarray, place: int) -> None:
    raised = raise_by_margin(hits, place)
    assert raised >= place
    assert hits[raised] >= hits[place] - 0.01 - 1e-12
