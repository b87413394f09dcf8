"""One model takes over from another: no sample lost or heard twice, no detection lost or told twice."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contract.messages import Detection, Features
from contract.sampling import Sampling
from edge_agent.agent.candidate import Candidate
from edge_agent.agent.reporting import Identity
from edge_agent.bundles import load_bundle
from edge_agent.capture import Block, Lost, decode, sound_files
from edge_agent.pipeline import Pipeline, Tuning
from edge_agent.swap import Measured, Plan, plan
from tests.conftest import ROOT
from tests.edge_agent.update_world import UpdateWorld

NEW = "b" * 64
WORDS = ROOT / "aggregator" / "demo_sounds" / "words"
QUIET = Sampling(random_per_hour=0)
unhurried = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(st.integers(0, 10**5), st.integers(1, 10**4), st.integers(1, 10**4), st.integers(1, 10**5))
def test_a_seam_is_where_a_run_of_both_ends(pending: int, run: int, other: int, warm: int) -> None:
    pending %= run
    found = plan(pending, run, other, warm)
    assert 0 <= found.begin < found.seam
    assert (pending + found.seam) % run == 0
    assert (found.seam - found.begin) % other == 0
    assert warm <= found.seam - found.begin < warm + other
    earlier = found.seam - run
    assert earlier < found.seam - found.begin, "and no seam before it would do"


def test_a_seam_that_is_here_already() -> None:
    assert plan(pending=0, run=960, successor_run=960, warm=960) == Plan(begin=0, seam=960)


@unhurried
@given(old=st.integers(1, 9), new=st.integers(1, 9), before=st.integers(0, 40), block=st.integers(200, 4000))
@example(old=4, new=4, before=3, block=1280)
@example(old=4, new=7, before=11, block=999)
def test_a_ramp_through_a_live_update_loses_no_sample(
    world: Callable[..., UpdateWorld], old: int, new: int, before: int, block: int
) -> None:
    node = world(step_frames=old)
    node.play(before, block)
    node.try_out(node.candidate(NEW, step_frames=new), probation_s=2)
    node.play(480, block)
    node.end()
    assert node.kinds() == ["took_over", "confirmed"]
    assert node.station.identity.bundle_digest == NEW
    models = [window.model for window in node.shelf.of(Features)]
    assert models == sorted(models), "each window is of one model, first of the old, then of the new"
    assert node.published() == list(range(node.hops))


@unhurried
@given(
    new=st.integers(2, 6), delay=st.integers(0, 24), at=st.integers(0, 60), length=st.integers(1, 60),
    quick=st.booleans(),
)  # fmt: skip
@example(new=4, delay=0, at=16, length=20, quick=False)
@example(new=4, delay=20, at=10, length=8, quick=True)
def test_a_sound_at_the_seam_is_told_once(
    world: Callable[..., UpdateWorld], new: int, delay: int, at: int, length: int,
    quick: bool,
) -> None:  # fmt: skip
    """Whether the old or the new model is the quicker one, and wherever in the sound the seam lies."""
    seam = seam_of(world, new)
    sound = [(seam - 40 + at, seam - 40 + at + length)]
    node = world(policy="results", yes=sound, delay=delay if quick else 0)
    node.try_out(node.candidate(NEW, step_frames=new, yes=sound, delay=0 if quick else delay), probation_s=60)
    node.play(300)
    node.end()
    assert node.kinds() == ["took_over"]
    assert [label for label, _ in node.detected()] == ["yes"]


def seam_of(world: Callable[..., UpdateWorld], step_frames: int) -> int:
    """The hop of the seam if the update begins with the sound."""
    node = world(policy="results")
    node.try_out(node.candidate(NEW, step_frames=step_frames), probation_s=60)
    while not node.events:
        node.play(1)
    return node.hops


def test_what_is_heard_does_not_change_with_an_equal_model(world: Callable[..., UpdateWorld]) -> None:
    sounds = [(hop, hop + 15) for hop in range(20, 1500, 57)]
    still = world(policy="results", yes=sounds)
    still.play(1600)
    updated = world(policy="results", yes=sounds)
    updated.play(77)
    updated.try_out(updated.candidate(NEW, yes=sounds), probation_s=10)
    updated.play(1600 - 77)
    assert updated.kinds() == ["took_over", "confirmed"]
    assert updated.detected() == still.detected()
    assert len({message.model for message in updated.shelf.of(Detection)}) == 2


def test_the_level_goes_on_over_the_seam(world: Callable[..., UpdateWorld]) -> None:
    node = world()
    meter = node.station.pipeline.meter  # type: ignore[attr-defined]
    node.try_out(node.candidate(NEW), probation_s=3)
    node.play(1000)
    levels, _ = meter.take()
    assert len(levels) == 20 - 1, "one for each second, the last is not full"


def test_a_break_in_the_sound_begins_the_warming_anew(world: Callable[..., UpdateWorld]) -> None:
    node = world()
    node.try_out(node.candidate(NEW), probation_s=3)
    node.play(100)
    node.stage.lose(Lost(reason="input_lost", start_s=1.0, end_s=2.0))
    node.play(100)
    assert node.kinds() == []
    node.play(600)
    assert node.kinds() == ["took_over", "confirmed"]
    assert node.published() == list(range(len(node.published())))


def test_nothing_private_leaves_next_to_the_seam(world: Callable[..., UpdateWorld]) -> None:
    seam = seam_of(world, 4)
    node = world(private=("no",), no=[(seam - 8, seam - 6)])
    node.try_out(node.candidate(NEW), probation_s=3)
    node.play(1200)
    assert node.kinds() == ["took_over", "confirmed"]
    assert not set(range(seam - 50, seam + 44)) & set(node.published())
    assert set(range(seam + 260, seam + 700)) <= set(node.published())


def test_a_recording_through_a_live_update_gives_what_it_gives_without(
    keywords: Path, tmp_path: Path
) -> None:
    """The shipped model takes over from itself: frames and detections are the same, posteriors nearly so."""
    words = [piece for file in sound_files(WORDS)[:2] for piece in decode(file)]
    outcomes = []
    for updated in (False, True):
        node = UpdateWorld(tmp_path, real_candidate(keywords, "a" * 64), policy="all", sampling=QUIET)
        captured_s = 0.0
        for number, piece in enumerate(words):
            captured_s += len(piece) / 16_000
            if updated and number == 30:
                node.try_out(real_candidate(keywords, NEW), probation_s=10)
            node.stage.hear(Block(samples=piece, captured_s=1e9 + captured_s))
        node.end()
        assert node.kinds() == (["took_over", "confirmed"] if updated else [])
        windows = node.shelf.of(Features)
        posteriors = np.frombuffer(b"".join(one.posteriors for one in windows), np.uint8)
        outcomes.append(
            (b"".join(one.frames for one in windows), posteriors.astype(int), node.shelf.of(Detection))
        )
    (frames, posteriors, found), (frames_again, posteriors_again, found_again) = outcomes
    assert frames == frames_again
    assert np.abs(posteriors - posteriors_again).max() <= 2, "of 255: the LSTM remembers for ever"
    assert len(found) >= 10
    assert [(one.label, one.start_s, one.end_s) for one in found] == [
        (one.label, one.start_s, one.end_s) for one in found_again
    ]


def real_candidate(path: Path, digest: str) -> Candidate:
    bundle = load_bundle(path, "0.1.0")
    pipeline = Pipeline(bundle, Tuning(thresholds={}))
    identity = Identity(
        boot="a" * 16, agent_version="1", runtime="none", manifest=bundle.manifest, bundle_digest=digest,
        thresholds=pipeline.thresholds, started_s=1,
    )  # fmt: skip
    return Candidate(pipeline=Measured(pipeline), identity=identity)
