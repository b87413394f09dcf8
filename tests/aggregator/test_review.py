"""The review queue over a real database: claims, answers, undo, labels that change meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from aggregator.errors import LabelError, ReviewError, UnknownWindowError
from aggregator.services.labels import LabelService
from aggregator.services.review import CLAIM_S, ReviewService
from aggregator.store.database import Database
from tests.aggregator.heard import Heard


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard(any_database: Database) -> Heard:
    made = Heard(any_database)
    made.node("attic", "Loft")
    made.node("shed", "Garden")
    return made


@pytest.fixture
def review(heard: Heard, clock: Clock) -> ReviewService:
    return ReviewService(heard.database, now=clock)


@pytest.fixture
def labels(heard: Heard, clock: Clock) -> LabelService:
    return LabelService(heard.database, now=clock)


def next_window(review: ReviewService, reviewer: str, **options: object) -> int | None:
    card = review.next(reviewer, **options)  # type: ignore[arg-type]
    return None if card is None else card.window.id


def test_the_most_uncertain_window_comes_first(heard: Heard, review: ReviewService) -> None:
    sure = heard.window(posteriors=(0.95, 0.03, 0.02))
    unsure = heard.window(posteriors=(0.36, 0.34, 0.3))
    middle = heard.window(posteriors=(0.7, 0.2, 0.1))
    heard.cards()
    order = []
    while (window := next_window(review, "Ada")) is not None:
        order.append(window)
        review.answer(window, "Ada", "accept")
    assert order == [unsure, middle, sure]


def test_a_strange_place_and_a_contradiction_count(heard: Heard, review: ReviewService) -> None:
    for number in range(15):
        heard.window("attic", posteriors=(0.5, 0.3, 0.2), at_s=number * 100.0)
    heard.cards()
    for window in range(1, 13):
        review.answer(window, "Ada", "accept")
    strange = heard.window("shed", posteriors=(0.5, 0.3, 0.2), at_s=5000.0)
    heard.window("attic", posteriors=(0.5, 0.3, 0.2), at_s=6000.0)
    other = heard.window(
        "attic", posteriors=(0.1, 0.8, 0.1), at_s=6000.5, model="sounds@2.0.0", reason="detection"
    )
    heard.cards()
    known = review.card(13).value
    assert review.card(strange).value > known
    assert review.card(other).parts.disagreement == pytest.approx(0.5, abs=0.01)
    assert review.card(other - 1).parts.disagreement == pytest.approx(0.5, abs=0.01)
    assert review.card(other - 1).value > known


def test_nobody_is_shown_what_another_is_looking_at(
    heard: Heard, review: ReviewService, clock: Clock
) -> None:
    heard.window()
    heard.window()
    heard.cards()
    first, second = next_window(review, "Ada"), next_window(review, "Bo")
    assert {first, second} == {1, 2}
    assert next_window(review, "Ada") == first, "asking again shows the same card"
    assert next_window(review, "Cy") is None
    assert next_window(review, "Ada", beside=(first,)) is None
    clock.now_s += CLAIM_S + 1
    assert next_window(review, "Cy") == min(1, 2), "who left does not keep a card for ever"


def test_two_reviewers_at_once_never_get_the_same_card_and_both_are_kept(
    heard: Heard, review: ReviewService
) -> None:
    for _ in range(40):
        heard.window()
    heard.cards()
    begin = threading.Barrier(4)

    def work(reviewer: str) -> list[int]:
        begin.wait()
        mine = []
        while (window := next_window(review, reviewer)) is not None:
            mine.append(window)
            review.answer(window, reviewer, "label", label_id=1)
        return mine

    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(work, ("Ada", "Bo", "Cy", "Di")))
    assert sorted(window for share in shares for window in share) == list(range(1, 41))
    told = {(one.reviewer, one.window_id) for one in review.recent(500)}
    assert told == {
        (name, window)
        for name, share in zip(("Ada", "Bo", "Cy", "Di"), shares, strict=True)
        for window in share
    }
    assert review.progress().answered == 40


def test_both_answers_to_one_card_are_kept_and_shown_as_a_disagreement(
    heard: Heard, review: ReviewService
) -> None:
    window = heard.window()
    heard.cards()
    review.answer(window, "Ada", "label", label_id=1)
    assert review.disagreements() == []
    assert next_window(review, "Bo") is None, "one answer is enough"
    assert next_window(review, "Bo", second=True) == window
    assert next_window(review, "Ada", second=True) is None
    review.answer(window, "Bo", "none")
    (tie,) = review.disagreements()
    assert (tie.agreed, tie.label) == (False, None)
    assert [(one.reviewer, one.verdict, one.label) for one in tie.reviews] == [
        ("Ada", "label", "dog"),
        ("Bo", "none", None),
    ]
    review.answer(window, "Cy", "label", label_id=1)
    (settled,) = review.disagreements()
    assert (settled.agreed, settled.label) == (True, "dog")
    review.answer(window, "Bo", "label", label_id=1)
    assert review.disagreements() == [], "who changes their mind is counted once"


def test_answers_are_undone_one_after_the_other(heard: Heard, review: ReviewService) -> None:
    for _ in range(3):
        heard.window()
    heard.cards()
    order = []
    for _ in range(3):
        window = next_window(review, "Ada")
        assert window is not None
        order.append(window)
        review.answer(window, "Ada", "none")
    review.answer(1, "Bo", "label", label_id=1)
    for window in reversed(order):
        undone = review.undo("Ada")
        assert undone is not None
        assert (undone.window_id, undone.windows) == (window, 1)
        assert next_window(review, "Cy") is None, "the card is the reviewer's again"
    assert review.undo("Ada") is None
    assert [one.undone_s is None for one in review.card(1).reviews] == [False, True], "what Bo said stays"
    assert review.progress("Ada").mine == 0


def test_a_skipped_card_goes_to_others(heard: Heard, review: ReviewService) -> None:
    window = heard.window()
    heard.cards()
    review.answer(window, "Ada", "skip")
    assert next_window(review, "Ada") is None
    assert next_window(review, "Bo") == window
    review.undo("Ada")
    assert review.progress().answered == 0


def test_an_answer_that_is_sent_twice_is_kept_once(heard: Heard, review: ReviewService) -> None:
    window = heard.window()
    heard.cards()
    assert review.answer(window, "Ada", "label", label_id=2).windows == 1
    assert review.answer(window, "Ada", "label", label_id=2).batch is None
    assert len(review.card(window).reviews) == 1


def test_a_group_is_shown_once_and_answered_at_once(heard: Heard, review: ReviewService) -> None:
    alike = [heard.window("attic", pattern=7, at_s=3600.0 * hour) for hour in range(5)]
    elsewhere = heard.window("shed", pattern=7)
    other = heard.window("attic", pattern=7, posteriors=(0.1, 0.7, 0.2))
    heard.cards()
    assert review.progress().waiting == 3
    card = review.card(alike[0])
    assert card.group == tuple(alike)
    review.answer(alike[2], "Ada", "none")
    told = review.answer(alike[0], "Ada", "accept", whole_group=True)
    assert told.windows == 4, "what was answered by itself stays so"
    assert told.label == "dog"
    assert {elsewhere, other} == set(review.waiting("Ada"))
    undone = review.undo("Ada")
    assert undone is not None
    assert (undone.window_id, undone.windows) == (alike[0], 4)
    assert review.card(alike[2]).reviews[0].undone_s is None


def test_when_the_representative_goes_the_others_stand_for_themselves(
    heard: Heard, review: ReviewService
) -> None:
    alike = [heard.window(pattern=7, at_s=3600.0 * hour) for hour in range(3)]
    heard.cards()
    review.next("Ada")
    review.answer(alike[0], "Ada", "none")
    with heard.database.write() as connection:
        connection.execute(text("DELETE FROM windows WHERE id = 1"))
    assert review.recent() == [], "what was said goes with the window"
    assert set(review.waiting()) == set(alike[1:])
    with pytest.raises(UnknownWindowError, match="not stored any more"):
        review.answer(alike[0], "Ada", "none")


def test_what_the_model_thought_can_be_accepted(heard: Heard, review: ReviewService) -> None:
    nothing = heard.window(posteriors=(0.1, 0.1, 0.8))
    silent = heard.window(posteriors=())
    odd = heard.window(labels=("_normal_", "anomaly"), posteriors=(0.1, 0.9))
    heard.cards()
    assert review.answer(nothing, "Ada", "accept").verdict == "none"
    for window in (silent, odd):
        assert review.card(window).acceptance is None
        with pytest.raises(ReviewError):
            review.answer(window, "Ada", "accept")


@pytest.mark.parametrize("said", ["", "dog", "accept_group"])
def test_only_answers_are_taken(heard: Heard, review: ReviewService, said: str) -> None:
    window = heard.window()
    heard.cards()
    with pytest.raises(ReviewError):
        review.answer(window, "Ada", said)
    with pytest.raises(LabelError):
        review.answer(window, "Ada", "label", label_id=99)
    with pytest.raises(ReviewError, match="who you are"):
        review.answer(window, " ", "none")
    with pytest.raises(UnknownWindowError):
        review.answer(99, "Ada", "none")
    assert review.recent() == []


def test_labels_come_with_models_and_leave_a_key_free(heard: Heard, labels: LabelService) -> None:
    many = tuple(f"sound {number}" for number in range(12))
    heard.window(labels=(*many, "_background_"), posteriors=(0.1,) * 13)
    heard.cards()
    keys = {label.name: label.digit for label in labels.labels()}
    assert keys == {name: index + 1 if index < 8 else None for index, name in enumerate(many)}
    assert labels.add("owl", "Ada").digit == 9
    assert labels.add("fox", "Ada").digit is None
    assert labels.add("elk", "Ada", digit=1).digit == 1
    assert labels.labels()[0].name == "elk", "a key that picked another label is taken from it"
    assert next(label.digit for label in labels.labels() if label.name == "sound 0") is None


def test_a_label_keeps_its_answers_when_it_is_renamed(
    heard: Heard, review: ReviewService, labels: LabelService
) -> None:
    window, later = heard.window(), heard.window()
    heard.cards()
    card = review.next("Ada")
    assert card is not None
    assert card.acceptance is not None
    renamed = labels.rename(1, "hound", "Bo")
    assert (renamed.id, renamed.also, renamed.changed_by) == (1, ("dog",), "Bo")
    told = review.answer(card.window.id, "Ada", "label", label_id=card.acceptance.label_id)
    assert told.label == "hound", "the label was renamed while the card was open"
    assert review.answer(later + window - card.window.id, "Ada", "accept").label == "hound"
    with pytest.raises(LabelError, match="another name of “hound”"):
        labels.add("dog", "Ada")
    with pytest.raises(LabelError, match="merge the two"):
        labels.rename(2, "hound", "Ada")
    assert labels.rename(1, "dog", "Bo").also == ("hound",)
    assert labels.label(1).reviews == 2


def test_a_label_that_is_merged_counts_as_the_other(
    heard: Heard, review: ReviewService, labels: LabelService
) -> None:
    first, second, third = heard.window(), heard.window(), heard.window()
    heard.cards()
    wolf = labels.add("wolf", "Ada", private=True)
    review.answer(first, "Ada", "label", label_id=wolf.id)
    review.answer(first, "Bo", "label", label_id=1)
    assert len(review.disagreements()) == 1
    plan = labels.merge_plan(wolf.id, 1)
    assert (plan.label.name, plan.into.name, plan.reviews) == ("wolf", "dog", 1)
    labels.merge(wolf.id, 1, "Cy")
    assert review.disagreements() == [], "both mean the same now"
    assert review.answer(second, "Ada", "label", label_id=wolf.id).label == "dog", "the card was open"
    dog = labels.label(1)
    assert (dog.reviews, dog.also, dog.private) == (3, ("wolf",), True)
    assert labels.private_names() == ("dog", "wolf")
    labels.merge(1, labels.add("beast", "Ada").id, "Cy")
    assert review.answer(third, "Ada", "label", label_id=wolf.id).label == "beast", "through two merges"
    assert {one.label for one in review.recent()} == {"beast"}
    assert "wolf" in {one.said for one in review.recent()}, "who said what stays on record"
    with pytest.raises(LabelError, match="into itself"):
        labels.merge(wolf.id, 1, "Cy")


def test_the_order_follows_what_was_answered(heard: Heard, review: ReviewService) -> None:
    for number in range(12):
        heard.window(posteriors=(0.6, 0.3, 0.1), at_s=100.0 * number)
    rain = heard.window(posteriors=(0.3, 0.6, 0.1), at_s=9000.0)
    heard.cards()
    before = review.card(12).value
    for window in range(1, 11):
        review.answer(window, "Ada", "accept")
    heard.cards()
    assert review.card(12).value < before - 0.05, "dogs and the attic are no news any more"
    assert review.waiting()[0] == rain


def test_the_queue_goes_where_a_new_label_was_found(
    heard: Heard, review: ReviewService, labels: LabelService
) -> None:
    """Owls are no label of the model: it takes them for rain, and nothing it says tells them from rain."""
    owl = labels.add("owl", "Ada").id
    dogs = [heard.window(posteriors=(0.6, 0.3, 0.1)) for _ in range(12)]
    rains = [heard.window(posteriors=(0.3, 0.6, 0.1)) for _ in range(12)]
    nothing = [heard.window(posteriors=(0.2, 0.1, 0.7)) for _ in range(12)]
    heard.cards()
    for window in (*dogs[:6], *nothing[:6]):
        review.answer(window, "Ada", "accept")
    for number, window in enumerate(rains[:6]):
        review.answer(window, "Ada", "accept" if number % 2 else "label", label_id=owl)
    heard.cards()
    assert set(review.waiting(limit=6)) == set(rains[6:])
    assert review.waiting()[-1] in nothing


def test_a_large_store_is_indexed_in_small_steps(database: Database) -> None:
    heard = Heard(database)
    heard.node("attic")
    for number in range(130):
        heard.window(at_s=20.0 * number, pattern=number % 10)
    assert heard.index.step()
    assert ReviewService(database).progress().unindexed == 110
    assert heard.index.finish() >= 6
    progress = ReviewService(database).progress()
    assert (progress.unindexed, progress.waiting) == (0, 10)
