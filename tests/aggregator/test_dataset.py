"""The data set over a real database, and labels that come from files and go to them."""

import secrets

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.domain.splits import split
from aggregator.errors import LabelFileError
from aggregator.services.dataset import DatasetService
from aggregator.services.label_files import FORMATS, LabelFileService
from aggregator.services.labels import LabelService
from aggregator.services.review import ReviewService
from aggregator.services.statistics import StatisticsService
from aggregator.store.database import Database
from tests.aggregator.heard import Heard
from tests.aggregator.messages import DIGEST, NOW_S

OTHER = "ef" * 32
BEGIN_S = NOW_S - 86_400


@pytest.fixture
def heard(any_database: Database) -> Heard:
    """Twelve windows an hour apart, two of another front end."""
    made = Heard(any_database)
    made.node("attic", "Loft")
    made.node("shed")
    for number in range(12):
        made.window(
            "attic" if number % 2 else "shed",
            at_s=3600.0 * number + 5,
            frontend_digest=DIGEST if number < 10 else OTHER,
            reason="detection" if number % 3 else "all",
        )
    made.cards()
    return made


@pytest.fixture
def review(heard: Heard) -> ReviewService:
    return ReviewService(heard.database)


def test_reviewed_windows_carry_what_most_say_and_their_split(heard: Heard, review: ReviewService) -> None:
    review.answer(1, "Ada", "label", label_id=1)
    review.answer(2, "Ada", "none")
    review.answer(3, "Ada", "skip")
    review.answer(4, "Ada", "label", label_id=1)
    review.answer(4, "Bo", "label", label_id=2)
    review.answer(11, "Ada", "label", label_id=1)
    review.answer(5, "Ada", "label", label_id=2)
    review.undo("Ada")
    LabelService(heard.database).rename(1, "hound", "Ada")
    found = {one.window_id: one for one in DatasetService(heard.database).reviewed(DIGEST)}
    assert {n: (one.label, one.agreed, one.node, one.site) for n, one in found.items()} == {
        1: ("hound", True, "shed", ""),
        2: (None, True, "attic", "Loft"),
        4: (None, False, "attic", "Loft"),
    }
    for one in found.values():
        assert one.split == split(node=one.node, site=one.site, start_s=one.start_s, end_s=one.start_s + 2)
    other = DatasetService(heard.database).reviewed(OTHER)
    assert [one.window_id for one in other] == [11], "front ends are never mixed"


def test_the_overview_counts_each_front_end_by_itself(heard: Heard, review: ReviewService) -> None:
    for window in range(1, 9):
        review.answer(window, "Ada", "label" if window % 3 else "none", label_id=1)
    review.answer(1, "Bo", "none")
    view = DatasetService(heard.database).overview()
    assert view.frontend_digest == DIGEST
    assert (view.windows, view.answered, view.agreed, view.tied) == (10, 8, 7, 1)
    assert sum(view.splits.values()) == 7
    assert {row.label: row.total for row in view.labels} == {"dog": 5, "none of them": 2, "rain": 0}
    assert {row.name: (row.windows, row.answered) for row in view.nodes} == {"attic": (5, 4), "shed": (5, 4)}
    assert {row.name: row.windows for row in view.sites} == {"Loft": 5, "": 5}
    assert {row.name: row.windows for row in view.reasons} == {"detection": 6, "all": 4}
    assert view.places == ("Loft", "shed")
    assert sum(view.matrix["dog"].values()) == 5
    assert {row.digest: (row.windows, row.answered) for row in view.frontends} == {
        DIGEST: (10, 8),
        OTHER: (2, 0),
    }
    assert any(one.label == "rain" and one.empty for one in view.thin)
    other = DatasetService(heard.database).overview(OTHER)
    assert (other.windows, other.answered) == (2, 0)


def test_an_empty_store_has_an_empty_data_set(any_database: Database) -> None:
    assert DatasetService(any_database).overview().frontend_digest is None
    assert DatasetService(any_database).reviewed(DIGEST) == []


def load(heard: Heard, text: str, name: str = "csv", **options: object) -> tuple[object, list[str]]:
    report = LabelFileService(heard.database).load("x.txt", text.encode(), name, "Eve", **options)  # type: ignore[arg-type]
    return report, [f"{note.file}:{note.line}: {note.why}" for note in (*report.bad, *report.without_window)]


def test_an_import_answers_windows_and_names_what_it_passes_over(heard: Heard, review: ReviewService) -> None:
    text = "\n".join(
        [
            "node,start_s,end_s,label",
            f"shed,{BEGIN_S + 5.5},{BEGIN_S + 6.5},dog",
            "shed,soon,7,dog",
            f"moon,{BEGIN_S},{BEGIN_S + 9},dog",
            f"attic,{BEGIN_S + 3606},{BEGIN_S + 3607},owl",
            f"attic,{BEGIN_S + 100},{BEGIN_S + 101},rain",
            f"attic,{BEGIN_S + 3605},{BEGIN_S + 3607},none of them",
        ]
    )
    report, notes = load(heard, text)
    assert (report.windows, report.lines) == (2, 3)  # type: ignore[attr-defined]
    assert [note.split(": ", 1)[0] for note in notes] == ["x.txt:3", "x.txt:4", "x.txt:5", "x.txt:6"]
    assert "no node is called “moon”" in notes[1]
    assert "there is no label “owl”" in notes[2]
    assert "no window of attic is stored there (2027-01-14T08:01:40Z)" in notes[3]
    assert {(one.window_id, one.reviewer, one.verdict, one.label, one.source) for one in review.recent()} == {
        (1, "Eve", "label", "dog", "import"),
        (2, "Eve", "none", None, "import"),
    }
    again, _ = load(heard, text)
    assert (again.windows, again.unchanged, again.batch) == (0, 2, None)  # type: ignore[attr-defined]
    assert review.undo("Eve") is None, "a key undoes no import"
    assert review.undo_batch("Eve", report.batch) == 2  # type: ignore[attr-defined]
    assert review.progress().answered == 0


def test_labels_of_a_file_are_added_when_asked_for(heard: Heard) -> None:
    text = f"5.0\t7.0\tdog\n{3600 * 2 + 5}\t{3600 * 2 + 7}\ttawny owl\n"
    report, notes = load(heard, text, "audacity", node="shed", origin_s=BEGIN_S, add_labels=True)
    assert notes == []
    assert (report.windows, report.new_labels) == (2, ("tawny owl",))  # type: ignore[attr-defined]
    assert LabelService(heard.database).labels()[-1].made_by == "Eve"


def test_of_two_lines_the_one_that_covers_more_of_a_window_counts(
    heard: Heard, review: ReviewService
) -> None:
    text = "5.0\t5.6\train\n5.2\t7.0\tdog\n"
    report, _ = load(heard, text, "audacity", node="shed", origin_s=BEGIN_S)
    assert (report.windows, report.outdone) == (1, 1)  # type: ignore[attr-defined]
    assert review.recent()[0].label == "dog"


def test_a_file_that_is_none_changes_nothing(heard: Heard, review: ReviewService) -> None:
    for name, text, options in (
        ("csv", "nonsense", {}),
        ("audacity", "1\t2\tdog", {}),
        ("label-studio", "{", {}),
        ("word", "", {}),
    ):
        with pytest.raises(LabelFileError):
            load(heard, text, name, **options)
    assert review.recent() == []
    assert StatisticsService(heard.database).summary().windows == 12


SAID = st.dictionaries(
    st.integers(1, 12), st.sampled_from([("label", 1), ("label", 2), ("none", None), ("skip", None)])
)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=SAID)
def test_what_was_exported_comes_back(
    name: str, said: dict[int, tuple[str, int | None]], database: Database
) -> None:
    """Export of one reviewer, import as another: both say the same of the same windows."""
    if not StatisticsService(database).summary().windows:
        heard = Heard(database)
        heard.node("attic", "Loft")
        for index in range(12):
            heard.window("attic", at_s=1.5 * index + 0.123456)  # they overlap
        heard.cards()
    review, files = ReviewService(database), LabelFileService(database)
    one, other = (f"{word} {secrets.token_hex(4)}" for word in ("one", "other"))
    for window, (verdict, label_id) in said.items():
        review.answer(window, one, verdict, label_id=label_id)
    made = files.dump(name, node="attic", reviewer=one)
    report = files.load(made.name, made.text.encode(), name, other, node="attic", origin_s=made.origin_s)
    assert report.bad == report.without_window == ()
    spoken = {window: answer for window, answer in said.items() if answer[0] != "skip"}
    assert made.reviews == len(spoken)
    names = {1: "dog", 2: "rain", None: None}
    expected = {(window, verdict, names[label_id]) for window, (verdict, label_id) in spoken.items()}
    imported = [item for item in review.recent(10_000) if item.reviewer == other]
    assert {(item.window_id, item.verdict, item.label) for item in imported} == expected
    assert len(imported) == len(expected)
