"""What the command that runs the whole loop decides: who is heard where, what was said, what is enough."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.domain.splits import SPLITS, split
from benchmarks.learning_loop.exam import OTHERS, Marks
from benchmarks.learning_loop.oracle import Oracle
from benchmarks.learning_loop.outcome import Outcome, table
from benchmarks.learning_loop.people import divide
from benchmarks.learning_loop.replay import SITES, Reel, Spoken, reels, sites
from contract.audio import HOP_MS, RATE_HZ
from model_build.examples import whole_steps
from model_build.runtime import Frontend
from tests.aggregator.messages import NOW_S
from tests.model_build.starter import frontend, quiet, word
from tests.system.reviewer import NONE, SKIP, mistaken

LABELS = ("yes", "no", "go")
HEARD = (("go", 2.25), ("bed", 5.25))


def test_no_voice_is_in_two_parts_and_the_starter_never_hears_the_new_word(shared_data: Path) -> None:
    parts = divide(shared_data / "speech_commands", "go")
    uses = (parts.learned, parts.steering, parts.replayed, parts.exam)
    speakers = [{clip.group for clip in clips} for clips in uses]
    assert all(speakers)
    assert sum(map(len, speakers)) == len(set.union(*speakers))
    assert "go" not in {clip.word for clip in (*parts.learned, *parts.steering)}
    assert "go" in {clip.word for clip in parts.replayed}
    assert "go" in {clip.word for clip in parts.exam}


def test_no_voice_is_heard_by_two_nodes(shared_data: Path, tmp_path: Path) -> None:
    parts = divide(shared_data / "speech_commands", "go")
    played = reels(parts, "go", tmp_path, 1)
    assert len(played) == sum(SITES.values())
    # All there are of the new word are played, each by one node.
    said = [one.word for reel in played for one in reel.spoken]
    assert said.count("go") == sum(clip.word == "go" for clip in parts.replayed)
    assert all(one.end_s < reel.duration_s for reel in played for one in reel.spoken)


@settings(max_examples=20, deadline=None)
@given(st.floats(min_value=NOW_S, max_value=NOW_S + 10**7), st.floats(min_value=1, max_value=600))
def test_sites_fall_into_the_splits_as_they_are_wanted(start_s: float, lasts_s: float) -> None:
    chosen = sites(start_s, start_s + lasts_s)
    assert len(set(chosen)) == len(chosen)
    found = [split(node="n", site=site, start_s=start_s, end_s=start_s + lasts_s) for site in chosen]
    assert {one: found.count(one) for one in SPLITS} == SITES


@pytest.fixture(scope="module")
def reel() -> Reel:
    """Noise, and at 2 s and 5 s a word whose loudest half second begins a quarter of a second later."""
    pcm = np.concatenate([quiet(2, 1), word("go", 2), quiet(2, 3), word("bed", 4), quiet(2, 5)])
    spoken = tuple(
        Spoken(word=name, start_s=at, end_s=at + 0.5) for name, at in (("go", 2.25), ("bed", 5.25))
    )
    return Reel(node="attic", path=Path("attic.wav"), pcm=pcm, spoken=spoken)


@pytest.mark.parametrize(
    ("start_s", "end_s", "said"),
    [(1.6, 3.6, "go"), (4.6, 6.6, NONE), (0.2, 1.6, NONE), (1.0, 2.5, SKIP), (2.0, 6.0, SKIP)],
)
def test_an_oracle_finds_each_window_in_what_its_node_played(
    reel: Reel, start_s: float, end_s: float, said: str
) -> None:
    """The last of them holds two words, so nobody can say which is meant."""
    frames = Frontend(frontend()).features(whole_steps(reel.pcm))
    window = frames[round(start_s * 1000 / HOP_MS) : round(end_s * 1000 / HOP_MS)]
    assert Oracle([reel], frontend(), LABELS).said("attic", window) == said


def test_a_window_that_was_never_played_is_not_taken_for_another(reel: Reel) -> None:
    strange = Frontend(frontend()).features(whole_steps(quiet(2, 99)))
    with pytest.raises(LookupError, match="did not play"):
        Oracle([reel], frontend(), LABELS).said("attic", strange)
    assert reel.pcm.size == 8 * RATE_HZ


def test_a_third_of_the_answers_is_wrong_and_each_of_these_truly() -> None:
    truth = {number: (*LABELS, NONE)[number % 4] for number in range(60)} | {99: SKIP}
    told = mistaken(truth, LABELS, part=1 / 3, seed=5)
    assert sum(told[one] != truth[one] for one in truth) == 20
    assert told[99] == SKIP
    assert mistaken(truth, LABELS, part=0.0, seed=5) == truth


def an_outcome(*, recall: int = 90, right: int = 95, passed: bool = True, poisoned: bool = False) -> Outcome:
    def marks(count: int) -> Marks:
        return Marks(clips=100, by_clip_rule=count, as_a_node=count)

    return Outcome(
        new_label="go",
        poisoned=poisoned,
        heard={"go": 40, NONE: 60},
        reviews={"go": 35, NONE: 25},
        wrong=20 if poisoned else 0,
        card_mean_ms=60.0,
        card_p50_ms=50.0,
        card_p95_ms=90.0,
        training="Release 2",
        passed=passed,
        sentences=("passed: every label is kept, new is go",),
        before={"go": marks(0), "yes": marks(95), OTHERS: marks(95)},
        after={"go": marks(recall), "yes": marks(right), OTHERS: marks(95)},
        seconds={"listening": 60.0},
    )


def test_what_the_issue_asks_for_decides() -> None:
    assert an_outcome().failures() == ()
    assert an_outcome(recall=85, right=93).failures() == ()
    assert "recall of go is 84.0%" in an_outcome(recall=84).failures()[0]
    assert "old labels lose 1.5 points" in an_outcome(right=92).failures()[0]
    assert an_outcome(passed=False).failures() == ("the gate refused the candidate",)


def test_a_poisoned_run_must_be_refused() -> None:
    assert an_outcome(poisoned=True, passed=False, recall=10).failures() == ()
    assert "wrong answers" in an_outcome(poisoned=True).failures()[0]


def test_the_table_says_what_is_missing() -> None:
    assert "| go | 100 | 0.0 % | 84.0 % | 0 → 84 |" in table(an_outcome(recall=84))
    assert "falls short: recall of go" in table(an_outcome(recall=84))
    assert table(an_outcome()).endswith("as it should be")
