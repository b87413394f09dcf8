"""The temperature that makes a posterior say how often it is right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_build.evaluate import Heard
from model_build.recipe import load_recipe
from model_build.temperature import cooled, fit_temperature

LABELS = ("yes", "no", "_silence_")
DECISION = load_recipe("keywords").decision


def clips(true_temperature: float, count: int = 600) -> list[Heard]:
    """Clips whose posteriors are right when their logits are divided by ``true_temperature``."""
    draw = np.random.default_rng(3)
    made = []
    for _ in range(count):
        right = cooled(np.exp(draw.normal(0.0, 1.5, (1, 3))), 1.0)
        label = LABELS[draw.choice(3, p=right[0])]
        said = cooled(right.astype(np.float32), 1 / true_temperature).astype(np.float32)
        made.append(Heard(label=label, posteriors=said, levels_db=(-20.0,)))
    return made


@pytest.mark.parametrize("true", [0.5, 1.0, 2.0])
def test_the_true_temperature_is_found(true: float) -> None:
    assert fit_temperature(clips(true), LABELS, DECISION).temperature == pytest.approx(true, rel=0.25)


def test_without_clips_nothing_is_changed() -> None:
    assert fit_temperature([], LABELS, DECISION).temperature == 1.0


@settings(deadline=None)
@given(
    st.lists(st.floats(0.0078125, 1.0, width=32), min_size=3, max_size=3),
    st.floats(0.25, 4.0),
)
def test_no_temperature_changes_a_label(values: list[float], temperature: float) -> None:
    row = np.array([values], np.float32) / np.float32(sum(values))
    changed = cooled(row, temperature)
    assert changed.sum() == pytest.approx(1.0)
    assert changed[0, row[0].argmax()] == pytest.approx(changed.max())
