"""The engine of the learning curve: reviews teach what the starter did not know, in whatever order."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from model_build.evaluate import step_levels_db
from model_build.examples import whole_steps
from model_build.retrain.curve import Answers, Card, Curve, Experiment, PoolWindow
from model_build.retrain.hearing import Clip
from model_build.runtime import Frontend
from tests.model_build.starter import NEW, TARGETS, frontend, quiet, small_recipe, word

pytestmark = [pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]  # TensorFlow's own


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    ears = Frontend(frontend())
    recipe = dataclasses.replace(small_recipe(), targets=(*TARGETS, NEW))

    def clip(name: str, seed: int) -> np.ndarray:
        return ears.features(whole_steps(quiet(1.0, seed) if name == "_silence_" else word(name, seed)))

    known = [(name, seed) for seed in range(14) for name in (*TARGETS, "_silence_")]
    pool = [(name, seed) for seed in range(100, 106) for name in (*TARGETS, NEW, None)]
    exam = [(name, seed) for seed in range(200, 206) for name in (*TARGETS, NEW)]
    return Experiment(
        recipe=recipe,
        withheld=(NEW,),
        preprocess=frontend(),
        known=np.stack([clip(*one) for one in known]),
        known_labels=tuple(name for name, _ in known),
        pool=tuple(
            PoolWindow(frames=clip(name or "_silence_", seed), label=name, node="attic")
            for name, seed in pool
        ),
        exam=tuple(
            Clip(
                label=name, features=clip(name, seed), levels_db=step_levels_db(whole_steps(word(name, seed)))
            )
            for name, seed in exam
        ),
    )


def first_to_last(cards: Sequence[Card], answers: Answers) -> int:
    return len(answers)


def test_reviews_teach_what_the_starter_did_not_know(experiment: Experiment) -> None:
    experiment = dataclasses.replace(experiment, starter_epochs=40, retrain_epochs=25)
    said: list[int] = []
    made = Curve(experiment, 3, lambda what, done, total: said.append(done))
    assert len(made.cards) == len(experiment.pool)
    assert made.cards[0].labels == (*TARGETS, "_unknown_", "_silence_")
    assert made.cards[0].posteriors.shape == (13, 5)
    before, after = made.points(first_to_last, (0, 30))
    assert (before.reviews, after.reviews, said) == (0, 30, [0, 30])
    assert before.new == 0.0
    assert before.accuracy <= 0.75
    assert after.new >= 0.8
    assert after.accuracy >= 0.9


def test_an_order_is_asked_with_what_has_been_answered(experiment: Experiment) -> None:
    """The queue sees posteriors and answers, and each card once; never the truth of what is not answered."""
    experiment = dataclasses.replace(experiment, starter_epochs=1, retrain_epochs=1)
    seen: list[tuple[int, ...]] = []

    def order(cards: Sequence[Card], answers: Answers) -> int:
        seen.append(tuple(card for card, _ in answers))
        assert all(experiment.pool[card].label == label for card, label in answers)
        return 29 - len(answers)

    Curve(experiment, 3, lambda *_: None).points(order, (3,))
    assert seen == [(), (29,), (29, 28)]
