"""The learning loop with its real parts: windows of a fleet, reviews, the trainer, the factory, the gate."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from aggregator.domain.figures import Answer
from contract.bundle import read_bundle
from tests.model_build.starter import NEW, TARGETS
from tests.system.reviewed_fleet import REVIEWS, Ended, ReviewedFleet

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ReviewedFleet, Ended]]:
    with reviewed(tmp_path_factory.mktemp("honest")) as fleet:
        yield fleet, fleet.retrain()


@contextmanager
def reviewed(folder: Path, wrong: float = 0.0) -> Iterator[ReviewedFleet]:
    fleet = ReviewedFleet(folder)
    try:
        fleet.hear()
        fleet.review(wrong=wrong)
        yield fleet
    finally:
        fleet.close()


def right(answers: Sequence[Answer], label: str) -> float:
    mine = [one for one in answers if one.truth == label]
    return sum(one.said == label for one in mine) / len(mine)


def test_sixty_reviews_teach_a_new_label_and_the_gate_lets_it_pass(
    honest: tuple[ReviewedFleet, Ended],
) -> None:
    fleet, ended = honest
    assert ended.told["training"]["state"] == "finished", ended.told["training"]["error"]
    assert ended.refusals == []
    assert ended.status == 0
    release = ended.told["release"]
    assert (release["passed"], release["state"]) == (True, "waiting")
    assert NEW in release["labels"]
    candidate, incumbent = fleet.judged(release["id"])
    assert right(candidate.windows, NEW) >= 0.85
    for label in TARGETS:
        assert right(candidate.clips, label) >= right(incumbent.clips, label) - 0.01


def test_the_candidate_says_where_it_comes_from(honest: tuple[ReviewedFleet, Ended]) -> None:
    fleet, ended = honest
    release, training = ended.told["release"], ended.told["training"]
    starter, candidate = reversed(fleet.releases.every())
    assert (starter.digest, starter.in_service) == (fleet.starter.digest, True)
    assert (candidate.id, candidate.parent_id) == (release["id"], starter.id)
    assert (candidate.training_id, candidate.snapshot_id) == (training["id"], training["snapshot_id"])
    snapshot = fleet.snapshot(candidate.snapshot_id)
    assert snapshot.windows == REVIEWS
    manifest = read_bundle(fleet.releases.bundle_path(candidate.digest).read_bytes()).manifest
    assert manifest.version == f"1.0.0+{snapshot.digest[:8]}"
    assert snapshot.digest in manifest.datasets[-1].source
    assert fleet.starter.digest in manifest.datasets[-1].source
    assert manifest.metrics["parity_agreement"] >= 0.95


def test_the_progress_of_the_real_factory_is_kept(honest: tuple[ReviewedFleet, Ended]) -> None:
    curve = honest[1].told["training"]["progress"]["curve"]
    assert [point["epoch"] for point in curve] == list(range(1, len(curve) + 1))
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert curve[-1]["validation_accuracy"] >= 0.9


def test_a_third_of_wrong_answers_is_refused_with_a_reason(tmp_path: Path) -> None:
    """Whatever the candidate made of them: chance may spare the twenty that are held out."""
    with reviewed(tmp_path, wrong=1 / 3) as fleet:
        ended = fleet.retrain()
        assert ended.told["training"]["state"] == "finished", ended.told["training"]["error"]
        assert ended.status == 3
        assert ended.told["release"]["state"] == "refused"
        assert any(sentence.endswith("look at the doubtful ones again") for sentence in ended.refusals)
        assert all(sentence.startswith("refused: ") for sentence in ended.refusals)
        assert fleet.releases.in_service().digest == fleet.starter.digest  # type: ignore[union-attr]
