"""The parts of an anomaly model that need no training."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_build.anomaly.auc import area_under_curve
from model_build.anomaly.listening import Heard, score_of, spreads_of
from model_build.anomaly.measure import Rule, judge
from model_build.anomaly.recipe import is_anomaly_recipe, load_anomaly_recipe, parse_anomaly_recipe
from model_build.anomaly.recordings import find_recordings, load_takes, require_enough
from model_build.anomaly.scoring import CENTRE, fit_scoring
from model_build.anomaly.threshold import MOST, choose_threshold
from model_build.dataset import TESTING, TRAINING, VALIDATION
from model_build.errors import DatasetError, RecipeError
from tests.model_build.conftest import WriteSound

WINDOW = 10
scores = st.lists(st.floats(-5, 5), min_size=1, max_size=20).map(np.array)


def quiet(*_: object) -> None:
    """No progress."""


@settings(deadline=None, max_examples=20)
@given(scores, scores)
def test_the_area_is_that_of_the_other_side_turned_over(low: np.ndarray, high: np.ndarray) -> None:
    one, other = (low, np.arange(low.size)), (high, np.arange(high.size))
    area = area_under_curve(one, other)
    assert area.value == pytest.approx(1 - area_under_curve(other, one).value)
    assert 0 <= area.interval[0] <= area.interval[1] <= 1


def test_clips_of_one_recording_say_less_than_as_many_recordings() -> None:
    draw = np.random.default_rng(1)
    normal = draw.normal(0, 1, 40), np.arange(40)
    odd = np.repeat(draw.normal(1, 1, 5), 8)
    alone = area_under_curve(normal, (odd, np.arange(40))).interval
    alike = area_under_curve(normal, (odd, np.repeat(np.arange(5), 8))).interval
    assert alike[1] - alike[0] > 1.5 * (alone[1] - alone[0])


def noise(seed: int, steps: int = 400) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (steps, 320))


def test_normal_lies_around_zero_and_a_decibel_in_one_band_far_above() -> None:
    scoring = fit_scoring([noise(1), noise(2)], [noise(3), noise(4)], WINDOW)
    calm = scoring.spreads(noise(5))
    assert abs(np.median(calm[WINDOW:])) < 1.5
    louder = noise(6).reshape(-1, 4, 80)
    louder[200:, :, 7] += 2.0
    heard = scoring.spreads(louder.reshape(-1, 320))
    assert heard[:200].max() < CENTRE
    assert heard[200 + WINDOW :].min() > calm[WINDOW:].max()


def test_one_bang_from_elsewhere_is_no_fault() -> None:
    scoring = fit_scoring([noise(1), noise(2)], [noise(3), noise(4)], 25)
    banged = noise(5)
    banged[200] *= 40.0
    lasting = noise(5)
    lasting[200::2] *= 40.0
    assert scoring.spreads(banged)[200:].max() < scoring.spreads(lasting)[225:].min() / 3


def test_flutter_is_heard_too() -> None:
    scoring = fit_scoring([noise(1), noise(2)], [noise(3), noise(4)], WINDOW)
    assert scoring.spreads(noise(5) * np.where(np.arange(320) % 3, 1.0, 1.3)).min() < CENTRE
    assert scoring.spreads(noise(6) * 1.3)[WINDOW:].min() > CENTRE


@settings(deadline=None)
@given(st.floats(-20, 40))
def test_a_score_is_squashed_spreads(spreads: float) -> None:
    score = score_of(spreads)
    row = np.array([[1 - score, score]])
    assert 0 <= score <= 1
    if 1e-6 < score < 1 - 1e-6:
        assert spreads_of(row)[0] == pytest.approx(spreads, abs=1e-3)


@pytest.mark.parametrize("budget", [0.5, 60.0])
def test_the_threshold_keeps_to_the_budget(budget: float) -> None:
    draw = np.random.default_rng(3)
    learned = [draw.exponential(1.0, 375) for _ in range(40)]
    threshold = choose_threshold(learned, 1, budget)
    hours = 50
    above = (
        draw.exponential(1.0, hours * 45_000) > spreads_of(np.array([[1 - threshold, threshold]]))[0]
    ).sum()
    assert above / hours < 2 * budget + 0.2


def test_the_threshold_is_never_below_what_was_heard() -> None:
    calm = [np.zeros(100), np.r_[np.zeros(50), 9.0, np.zeros(50)]]
    assert choose_threshold(calm, WINDOW, 1000.0) >= score_of(9.0)
    assert choose_threshold([np.full(100, 1e3)], WINDOW, 0.5) == MOST


def test_false_alarms_and_anomalies_are_counted() -> None:
    def heard(kind: str, *peaks: float) -> Heard:
        scores = np.full(500, 0.02)
        for place, peak in enumerate(peaks):
            scores[100 + 200 * place :][:5] = peak
        return Heard(kind=kind, posteriors=np.stack([1 - scores, scores], axis=1).astype(np.float32))

    rule = Rule(threshold=0.8, smoothing_s=0.0, refractory_s=1.0)
    found = judge([heard("normal"), heard("normal", 0.9, 0.85), heard("squeal", 0.95), heard("rattle")], rule)
    assert found.false_alarms == 2
    assert found.normal_hours == pytest.approx(80 / 3600)
    assert found.detected == {"rattle": 0.0, "squeal": 1.0}
    assert found.auc is not None
    assert found.histogram["normal"][0] == 6
    assert found.to_plain()["auc_per_kind"]["squeal"] > found.to_plain()["auc_per_kind"]["rattle"]


def test_without_anomalies_there_is_no_area() -> None:
    calm = Heard(kind="normal", posteriors=np.tile(np.array([[0.9, 0.1]], np.float32), (100, 1)))
    found = judge([calm], Rule(threshold=0.8, smoothing_s=0.0, refractory_s=1.0))
    assert found.auc is None
    assert "anomalous/" in found.sentences()[0]


@pytest.fixture
def pump(tmp_path: Path, write_sound: WriteSound) -> Path:
    for index in range(12):
        write_sound(tmp_path / "normal" / f"day{index % 3}" / f"{index}.wav", seconds=6.0, seed=index)
    write_sound(tmp_path / "anomalous" / "squeal" / "a.flac", hz=3000.0, seconds=2.0)
    write_sound(tmp_path / "anomalous" / "b.wav", hz=90.0, seconds=2.0)
    return tmp_path


def test_recordings_are_split_by_file_and_always_alike(pump: Path) -> None:
    found = find_recordings(pump)
    assert found == find_recordings(pump)
    normal = [one.split for one in found if one.kind == "normal"]
    assert [normal.count(split) for split in (TRAINING, VALIDATION, TESTING)] == [8, 2, 2]
    assert {one.kind for one in found} == {"normal", "squeal", "anomalous"}
    assert {one.split for one in found if one.kind != "normal"} == {TESTING}


def test_what_cannot_be_used_is_named(pump: Path, write_sound: WriteSound) -> None:
    (pump / "normal" / "broken.wav").write_bytes(b"RIFF nothing")
    write_sound(pump / "normal" / "short.wav", seconds=0.2)
    (pump / "normal" / "notes.txt").write_text("no sound")
    takes = load_takes(find_recordings(pump), quiet)
    require_enough(takes)
    assert len(takes.broken) == 2
    assert "broken.wav: cannot be read as sound" in takes.broken[0]
    assert "short.wav: is shorter than 1 s" in takes.broken[1]


def test_an_empty_or_absent_normal_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no folder normal/"):
        find_recordings(tmp_path)
    (tmp_path / "normal").mkdir()
    with pytest.raises(DatasetError, match="normal: holds no sound file"):
        find_recordings(tmp_path)
    with pytest.raises(DatasetError, match="is not a folder"):
        find_recordings(tmp_path / "absent")


def test_too_little_is_said_before_training(tmp_path: Path, write_sound: WriteSound) -> None:
    write_sound(tmp_path / "normal" / "a.wav", seconds=3.0)
    with pytest.raises(DatasetError, match="holds 1 recordings of normal sound, and needs 3"):
        find_recordings(tmp_path)
    for name in "bcd":
        write_sound(tmp_path / "normal" / f"{name}.wav", seconds=3.0)
    with pytest.raises(DatasetError, match="only 6 s of normal sound to learn from; 30 s are needed"):
        require_enough(load_takes(find_recordings(tmp_path), quiet))
    for path in (tmp_path / "normal").iterdir():
        path.write_bytes(b"broken")
    with pytest.raises(DatasetError, match=r"no normal recording for training .*cannot be read"):
        require_enough(load_takes(find_recordings(tmp_path), quiet))


def test_categories_of_a_table_can_be_normal(shared_data: Path) -> None:
    found = find_recordings(shared_data / "esc10", ("clock_tick",))
    normal = [one.split for one in found if one.kind == "normal"]
    assert [normal.count(split) for split in (TRAINING, VALIDATION, TESTING)] == [16, 8, 8]
    assert len({one.kind for one in found}) == 10
    with pytest.raises(DatasetError, match="no clip of pump"):
        find_recordings(shared_data / "esc10", ("pump",))


def test_the_recipe_is_read_and_told_from_others(tmp_path: Path) -> None:
    assert load_anomaly_recipe("anomaly").kind == "anomaly"
    assert is_anomaly_recipe("anomaly")
    assert not is_anomaly_recipe("keywords")
    assert not is_anomaly_recipe(str(tmp_path / "absent.toml"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"surprise": 1}, "unknown key 'surprise'"),
        ({"network": {"dense": 8}}, "network: 'hidden' is missing"),
        ({"training": 3}, "training: must be a table"),
    ],
)
def test_a_bad_recipe_is_refused(change: dict[str, object], reason: str) -> None:
    import tomllib

    from model_build.recipe import FOLDER

    plain = tomllib.loads((FOLDER / "anomaly.toml").read_text())
    with pytest.raises(RecipeError, match=reason):
        parse_anomaly_recipe(plain | change)
