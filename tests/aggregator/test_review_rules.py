"""The rules of reviewing: what a card is worth, what is nearly the same, who agrees, what is learned from."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain import value
from aggregator.domain.consensus import Opinion, consensus
from aggregator.domain.fingerprints import fingerprint, nearest
from aggregator.domain.guesses import guess
from aggregator.domain.label_names import label_name, reviewer_name
from aggregator.domain.splits import BLOCK_S, SPLITS, split
from aggregator.domain.thinness import FEWEST, Held, thin
from aggregator.domain.value import Answered, Parts
from aggregator.errors import LabelError, ReviewError
from tests.aggregator.heard import frames

SHARES = st.floats(0, 1)
LABELS = ("dog", "rain", "owl", "_background_")


@given(st.lists(st.lists(st.integers(0, 255), min_size=4, max_size=4), max_size=20))
def test_a_guess_is_told_at_the_strongest_step(steps: list[list[int]]) -> None:
    posteriors = np.array(steps, np.float32).reshape(-1, 4) / 255
    told = guess(LABELS, posteriors)
    assert 0 <= told.margin <= 1
    assert 0 <= told.entropy <= 1
    assert 0 <= value.uncertainty(told) <= told.heard <= 1
    if not steps:
        assert (told.label, told.step) == (None, -1)
    else:
        assert posteriors[told.step, :3].max() == posteriors[:, :3].max()
        assert told.posterior == posteriors[told.step].max()


PARTS = ("uncertainty", "rarity", "novelty", "disagreement", "reason")


@given(st.fixed_dictionaries(dict.fromkeys(PARTS, SHARES)), st.sampled_from(PARTS), SHARES)
def test_a_card_is_worth_no_less_for_any_part_that_is_more(
    parts: dict[str, float], raised: str, other: float
) -> None:
    less, more = sorted((parts[raised], other))
    low, high = Parts(**parts | {raised: less}).value, Parts(**parts | {raised: more}).value
    assert 0 <= low <= high <= 1


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.text(max_size=5))
def test_answers_never_make_more_of_their_kind_worth_more(few: int, more: int, site: str) -> None:
    few, more = sorted((few, more))
    before, after = (
        Answered(
            by_label={"dog": count},
            by_guess={"dog": {"dog": count}},
            by_node={"attic": count},
            by_site={site: count},
        )
        for count in (few, more)
    )
    assert value.rarity("dog", "dog", before) >= value.rarity("dog", "dog", after)
    assert value.novelty("attic", site, before) >= value.novelty("attic", site, after)


COUNTS = st.dictionaries(st.sampled_from([*LABELS[:3], None]), st.integers(1, 1000))


@given(st.dictionaries(st.sampled_from([*LABELS, None]), COUNTS), st.sampled_from([*LABELS, None]))
def test_no_answers_lead_out_of_the_scale(
    by_guess: dict[str | None, dict[str | None, int]], told: str
) -> None:
    by_label = sum((Counter(said) for said in by_guess.values()), Counter[str | None]())
    assert 0 <= value.rarity(told, told, Answered(by_label=by_label, by_guess=by_guess)) <= 1


def test_where_a_rare_label_was_found_more_of_it_is_expected() -> None:
    by_label = {"dog": 20, "rain": 20, None: 20, "owl": 2}
    found = {"dog": {"dog": 20}, "rain": {"rain": 20, "owl": 2}, "_background_": {None: 20}}
    answered = Answered(by_label=by_label, by_guess=found)
    rain = value.rarity("rain", "rain", answered)
    assert rain > value.rarity("dog", "dog", answered)
    assert rain > value.rarity("_background_", None, answered)


@given(SHARES, st.dictionaries(st.sampled_from([*LABELS, None]), COUNTS), st.sampled_from([*LABELS, None]))
def test_answers_only_raise_the_doubt_of_a_guess(
    uncertain: float, by_guess: dict[str | None, dict[str | None, int]], told: str | None
) -> None:
    doubt = value.doubt(uncertain, told, told, Answered(by_guess=by_guess))
    assert uncertain <= doubt <= 1
    agreed = {guess: {guess: sum(said.values())} for guess, said in by_guess.items()}
    assert value.doubt(uncertain, told, told, Answered(by_guess=agreed)) == uncertain


def test_a_sure_guess_that_is_mostly_wrong_is_worth_more_than_silence_that_is_not() -> None:
    found = {"dog": {"owl": 10, None: 4}, "_background_": {None: 14}}
    answered = Answered(by_label={"owl": 10, None: 18}, by_guess=found)
    assert value.doubt(0.0, "dog", "dog", answered) > 0.8
    assert value.doubt(0.1, "_background_", None, answered) == 0.1


def test_a_model_that_heard_nothing_has_little_to_ask() -> None:
    hum = guess(LABELS, np.array([[0.12, 0.12, 0.11, 0.65]], np.float32))
    sound = guess(LABELS, np.array([[0.4, 0.3, 0.2, 0.1]], np.float32))
    assert value.uncertainty(hum) < 0.5 * value.uncertainty(sound)


@given(st.lists(st.tuples(st.sampled_from(LABELS), SHARES), max_size=6), st.sampled_from(LABELS), SHARES)
def test_only_models_that_say_something_else_disagree(
    others: list[tuple[str, float]], label: str, posterior: float
) -> None:
    found = value.disagreement((label, posterior), others)
    assert 0 <= found <= posterior
    if all(other == label for other, _ in others):
        assert found == 0


@given(st.integers(0, 1000), st.integers(-3, 3))
def test_a_window_is_near_to_itself_and_to_a_little_louder(pattern: int, steps: int) -> None:
    one = np.frombuffer(frames(pattern), np.int8).reshape(-1, 80)
    louder = np.clip(one.astype(int) + steps, -128, 127).astype(np.int8)
    other = fingerprint(np.frombuffer(frames(pattern + 1), np.int8).reshape(-1, 80))
    assert nearest(fingerprint(one), [other, fingerprint(louder)]) == 1
    assert nearest(fingerprint(one), [other]) is None


@given(st.integers(1, 1500))
def test_windows_of_any_length_have_a_fingerprint(count: int) -> None:
    made = fingerprint(np.zeros((count, 80), np.int8))
    assert len(made) == 66
    longer = fingerprint(np.zeros((count * 2, 80), np.int8))
    assert nearest(made, [longer]) is None, "a window of another length is another window"


def test_two_barks_are_not_the_same_bark() -> None:
    room = np.full((150, 80), -60, np.int8)
    one, other = room.copy(), room.copy()
    one[10:30, 20:60] = 20
    other[80:100, 20:60] = 20
    assert nearest(fingerprint(one), [fingerprint(other)]) is None


OPINIONS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from([("label", 1), ("label", 2), ("label", 3), ("none", None), ("skip", None)]),
    ),
    max_size=12,
).map(
    lambda said: [
        Opinion(id=number, reviewer=reviewer, verdict=verdict, label_id=label_id)
        for number, (reviewer, (verdict, label_id)) in enumerate(said)
    ]
)


@given(OPINIONS, st.randoms())
def test_most_voices_decide_and_a_tie_decides_nothing(opinions: list[Opinion], dice: object) -> None:
    shuffled = list(opinions)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    told = consensus(shuffled)
    newest = {one.reviewer: one for one in opinions}
    votes = Counter(one.label_id for one in newest.values() if one.verdict != "skip")
    if not votes:
        assert told is None
        return
    assert told is not None
    most = max(votes.values())
    leaders = [label_id for label_id, count in votes.items() if count == most]
    assert told.agreed == (len(leaders) == 1)
    assert told.label_id == (leaders[0] if told.agreed else None)
    assert told.voices == sum(votes.values())
    assert told.contested == (len(votes) > 1)


WHEN = st.floats(1_735_689_600, 4_000_000_000)


@given(st.sampled_from(["", "barn", "loft"]), WHEN, st.floats(0, 30), WHEN, st.floats(0, 30))
def test_windows_that_share_time_at_one_place_never_lie_in_two_splits(
    site: str, start_s: float, length_s: float, other_start_s: float, other_length_s: float
) -> None:
    other_start_s = start_s + (other_start_s % 40) - 20
    one = split(node="attic", site=site, start_s=start_s, end_s=start_s + length_s)
    other_node = "hall" if site else "attic"
    other_end_s = other_start_s + other_length_s
    other = split(node=other_node, site=site, start_s=other_start_s, end_s=other_end_s)
    overlap = min(start_s + length_s, other_end_s) - max(start_s, other_start_s)
    same_block = int(start_s // BLOCK_S) == int(other_start_s // BLOCK_S)
    if one and other and (overlap > 1e-3 or same_block):
        assert one == other


def test_most_blocks_are_learned_from_and_each_split_gets_some() -> None:
    counts = Counter(
        split(node="attic", site="", start_s=BLOCK_S * block + 5, end_s=BLOCK_S * block + 8)
        for block in range(2000)
    )
    assert set(counts) == set(SPLITS)
    assert 0.66 < counts["training"] / 2000 < 0.74
    assert counts["validation"] > 230
    assert counts["test"] > 230


COUNTS = st.integers(0, 60)


@given(COUNTS, COUNTS, COUNTS, st.integers(0, 4), st.integers(0, 9))
def test_what_is_missing_is_said(
    training: int, validation: int, test: int, places: int, recordings: int
) -> None:
    by_split = {"training": training, "validation": validation, "test": test}
    found = thin([Held(label="owl", by_split=by_split, places=places, recordings=recordings)])
    assert any(one.prevents for one in found) == (training == 0 or validation == 0)
    enough = training and validation and test and training + validation + test >= FEWEST
    assert (not found) == bool(enough and places != 1 and recordings >= 3)
    assert all(one.sentence.endswith(".") and "owl" in one.sentence for one in found)


@pytest.mark.parametrize(
    "name", ["", "  ", "_silence_", "anomaly", "none of them", "None  of them", "a" * 61, "a\x00b"]
)
def test_a_label_cannot_be_called_anything(name: str) -> None:
    with pytest.raises(LabelError):
        label_name(name)


@given(st.text(max_size=70))
def test_a_name_that_is_taken_stays_as_it_is(text: str) -> None:
    try:
        assert label_name(label_name(text)) == label_name(text)
    except LabelError:
        pass
    try:
        assert reviewer_name(reviewer_name(text)) == reviewer_name(text)
    except ReviewError:
        pass
