"""The learning loop with its real parts: a fleet's windows, a browser, the trainer, the factory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggregator.domain.figures import Answer
from aggregator.services.release_views import ReleaseView
from aggregator.services.retrain import TrainingView
from contract.bundle import read_bundle
from tests.aggregator.web.browser import Browser
from tests.model_build.starter import NEW, TARGETS
from tests.system.reviewed_fleet import PASSWORD, REVIEWS, ReviewedFleet
from tests.system.reviewer import ReadVerdict, Reviewer, mistaken

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A fleet after a training, and what its pages say."""

    fleet: ReviewedFleet
    training: TrainingView
    said: str
    """What the list of trainings says came of it."""
    verdict: ReadVerdict
    complaints: Sequence[str]
    """Of the browser."""

    @property
    def candidate(self) -> ReleaseView:
        """The release that came of it."""
        return self.fleet.releases.detail(self.training.release_id or 0).view


@contextmanager
def reviewed(folder: Path, wrong: float = 0.0) -> Iterator[Ended]:
    """Sixty reviews by keyboard, a part of them wrong, and a training started by the button."""
    fleet = ReviewedFleet(folder)
    browser = Browser(folder / "profile")
    try:
        fleet.hear()
        fleet.serve()
        ada = Reviewer(browser, fleet.address, "Ada")
        ada.arrive(PASSWORD)
        ada.add_label(NEW)
        told = mistaken(fleet.truth, (*TARGETS, NEW), part=wrong, seed=0)
        ada.review(REVIEWS, told.__getitem__)
        said = ada.retrain()
        training = fleet.services.retrain.newest(1)[0]
        assert training.state == "finished", training.error
        yield Ended(
            fleet=fleet,
            training=training,
            said=said,
            verdict=ada.verdict(),
            complaints=browser.complaints(),
        )
    finally:
        browser.driver.quit()
        fleet.close()


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    with reviewed(tmp_path_factory.mktemp("honest")) as ended:
        yield ended


def right(answers: Sequence[Answer], label: str) -> float:
    mine = [one for one in answers if one.truth == label]
    return sum(one.said == label for one in mine) / len(mine)


def test_sixty_reviews_teach_a_new_label_and_the_gate_lets_it_pass(honest: Ended) -> None:
    release = honest.candidate
    assert honest.verdict.refused == ()
    assert honest.verdict.head == "The gate passes this candidate"
    assert len(honest.verdict.passed) > 10
    assert honest.said == f"Release {release.id}"
    assert honest.complaints == []
    assert (release.passed, release.state) == (True, "waiting")
    assert NEW in release.labels
    candidate, incumbent = honest.fleet.judged(release.id)
    assert right(candidate.windows, NEW) >= 0.85
    for label in TARGETS:
        assert right(candidate.clips, label) >= right(incumbent.clips, label) - 0.01


def test_every_key_became_an_answer_of_that_reviewer(honest: Ended) -> None:
    answers = honest.fleet.services.review.recent(500)
    assert len(answers) == REVIEWS
    assert {one.reviewer for one in answers} == {"Ada"}
    said = {one.window_id: one.label or "none of them" for one in answers}
    assert said == {window: honest.fleet.truth[window] for window in said}


def test_the_candidate_says_where_it_comes_from(honest: Ended) -> None:
    fleet, release, training = honest.fleet, honest.candidate, honest.training
    starter, candidate = reversed(fleet.releases.every())
    assert (starter.digest, starter.in_service) == (fleet.starter.digest, True)
    assert (candidate.id, candidate.parent_id) == (release.id, starter.id)
    assert (candidate.training_id, candidate.snapshot_id) == (training.id, training.snapshot_id)
    assert training.who == "Ada"
    snapshot = fleet.snapshot(candidate.snapshot_id)
    assert snapshot.windows == REVIEWS
    manifest = read_bundle(fleet.releases.bundle_path(candidate.digest).read_bytes()).manifest
    assert manifest.version == f"1.0.0+{snapshot.digest[:8]}"
    assert snapshot.digest in manifest.datasets[-1].source
    assert fleet.starter.digest in manifest.datasets[-1].source
    assert manifest.metrics["parity_agreement"] >= 0.95


def test_the_progress_of_the_real_factory_is_kept(honest: Ended) -> None:
    curve = honest.training.progress.curve
    assert [point.epoch for point in curve] == list(range(1, len(curve) + 1))
    assert curve[-1].loss is not None
    assert curve[0].loss is not None
    assert curve[-1].loss < curve[0].loss
    assert (curve[-1].validation_accuracy or 0) >= 0.9


def test_a_third_of_wrong_answers_is_refused_with_a_reason_on_the_page(tmp_path: Path) -> None:
    """Whatever the candidate made of them: chance may spare the twenty that are held out."""
    with reviewed(tmp_path, wrong=1 / 3) as ended:
        assert ended.verdict.head == "The gate refuses this candidate"
        assert ended.verdict.refused
        assert all(sentence.startswith("refused: ") for sentence in ended.verdict.refused)
        assert any("look at the doubtful ones again" in words for words in ended.verdict.refused)
        assert ended.candidate.state == "refused"
        assert ended.complaints == []
        in_service = ended.fleet.releases.in_service()
        assert in_service is not None
        assert in_service.digest == ended.fleet.starter.digest
