"""A report from end to end: a shipped bundle, made-up recordings, JSON and page."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from contract.bundle import Bundle, read_bundle
from contract.manifest import CLASSIFIER, PREPROCESS
from model_build.__main__ import main
from model_build.errors import DatasetError
from model_build.recipe import load_recipe
from model_build.report.classifier import Question, measure_classifier
from model_build.report.figures import ClassifierFigures
from model_build.report.page import render
from model_build.report.reading import find_clips, guess_recipe
from model_build.report.rules import Rules
from model_build.report.streams import count_alarms, hear_stream, sound_files
from model_build.runtime import Classifier, Frontend
from tests.model_build.conftest import WriteSound

KEYWORDS = load_recipe("keywords")


def quiet(_what: str, _done: int, _total: int) -> None:
    pass


@pytest.fixture
def keywords(models: Path) -> Bundle:
    return read_bundle(models / "keywords.bundle")


@pytest.fixture
def talk(tmp_path_factory: pytest.TempPathFactory, write_sound: WriteSound) -> Path:
    """Two recordings that hold no keyword, and a file that is none."""
    folder = tmp_path_factory.mktemp("talk <b>")
    write_sound(folder / "a.wav", hz=300.0, seconds=2.03, seed=1)
    write_sound(folder / "b.flac", hz=500.0, seconds=1.5, rate_hz=44_100, seed=2)
    (folder / "c.wav").write_bytes(b"RIFF but no sound")
    return folder


def external(page: str) -> list[str]:
    """Everything in a page that a browser would fetch."""
    found = re.findall(r"""(?:src|href|srcset|data|action)\s*=\s*["']?([^"'\s>]*)""", page)
    found += re.findall(r"url\(\s*[\"']?([^)\"']*)", page)
    return [one for one in found if not one.startswith("#")] + re.findall(r"@import[^;]*|<script|<link", page)


def test_evaluate_tells_everything_as_json_and_as_a_page(
    commands: Path, talk: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, report = models / "keywords.bundle", tmp_path / "out.html"
    arguments = ["evaluate", "--bundle", str(bundle), "--data", str(commands), "--split", "validation"]
    arguments += ["--stream", str(talk), "--report", str(report), "--json"]
    assert main(arguments) == 0
    output = capsys.readouterr()
    told = json.loads(output.out)
    assert told["clips"] == 27
    assert told["digest"] == read_bundle(bundle).digest
    assert told["accuracy"] == pytest.approx(sum(map(int, np.diag(told["confusion"]))) / 27, abs=1e-6)
    assert told["accuracy_interval"][0] <= told["accuracy"] <= told["accuracy_interval"][1]
    assert set(told["per_label"]) == {"yes", "no", "up", "down", "left", "right", "go", "_unknown_"}
    assert len(told["treated"]) == 5
    assert told["nothing"]["digital silence"]["detections"] == 0
    assert told["alarms"]["clips"] == 21
    assert told["alarms"]["hours"] == pytest.approx(3.52 / 3600, abs=0.1 / 3600)
    assert told["streams"][0]["files"] == 2
    assert len(told["skipped"]) == 1
    assert "c.wav" in told["skipped"][0]
    assert "clips right" in output.err
    page = report.read_text()
    assert external(page) == []
    assert "<b>" not in page
    assert "talk &lt;b&gt;" in page
    assert told["digest"] in page
    assert not list(tmp_path.glob(".*partial"))


@pytest.mark.parametrize("place", ["absent/out.html", "."])
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_heard(
    place: str, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "--bundle", str(models / "keywords.bundle"), "--data", str(tmp_path / "none")]
    assert main([*arguments, "--report", str(tmp_path / place)]) == 1
    error = capsys.readouterr().err
    assert "is not a folder" not in error
    assert str(tmp_path / place) in error


def test_a_stream_without_recordings_is_refused_before_clips_are_read(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    arguments = ["evaluate", "--bundle", str(models / "keywords.bundle"), "--data", str(tmp_path / "none")]
    assert main([*arguments, "--stream", str(tmp_path / "empty")]) == 1
    assert "holds no recording" in capsys.readouterr().err


def test_the_files_of_a_stream_are_heard_without_a_pause(
    keywords: Bundle, tmp_path: Path, write_sound: WriteSound
) -> None:
    sounds = [
        soundfile.read(write_sound(tmp_path / f"{n}.wav", seconds=0.9 + n / 7, seed=n))[0] for n in range(3)
    ]
    frontend, classifier = Frontend(keywords.files[PREPROCESS]), Classifier(keywords.files[CLASSIFIER])
    stream = hear_stream(frontend, classifier, tmp_path, KEYWORDS, quiet)
    joined = np.round(np.concatenate(sounds) * 32768).astype(np.int16)
    assert np.array_equal(stream.posteriors, classifier.clip(frontend.features(joined), 4))
    assert stream.files == ("0.wav", "1.wav", "2.wav")
    assert stream.starts_s[2] == pytest.approx((len(sounds[0]) + len(sounds[1])) / 16_000)


def test_a_false_alarm_is_named_with_its_file_and_its_place(
    keywords: Bundle, tmp_path: Path, write_sound: WriteSound
) -> None:
    for n in range(2):
        write_sound(tmp_path / f"{n}.wav", seconds=2.0, seed=n)
    models = Frontend(keywords.files[PREPROCESS]), Classifier(keywords.files[CLASSIFIER])
    stream = hear_stream(*models, tmp_path, KEYWORDS, quiet)
    rows = np.zeros_like(stream.posteriors)
    rows[30:36, 1] = 1.0
    alarms = count_alarms(dataclasses.replace(stream, posteriors=rows), Rules.of(keywords.manifest))
    assert alarms.false_alarms["no"] == 1
    assert [(one.file, one.label) for one in alarms.heard] == [("1.wav", "no")]
    assert 0.4 <= alarms.heard[0].at_s <= 0.7


def test_a_bundle_of_a_strange_recipe_is_read_by_its_manifest(keywords: Bundle, commands: Path) -> None:
    manifest = dataclasses.replace(keywords.manifest, recipe="my own")
    recipe, corpus = find_clips(manifest, commands, None, "validation")
    assert recipe.labels == manifest.labels
    assert recipe.layout == "speech_commands"
    assert recipe.clip_s == pytest.approx(1.0, abs=0.08)
    assert len(corpus.clips) == 27


def test_own_folders_are_no_speech_commands(
    keywords: Bundle, tmp_path: Path, write_sound: WriteSound
) -> None:
    for word in ("yes", "no"):
        for take in range(6):
            write_sound(tmp_path / word / f"take {take}.wav", seconds=1.5, seed=take)
    recipe, _ = guess_recipe(dataclasses.replace(keywords.manifest, recipe="mine"), tmp_path)
    assert (recipe.layout, recipe.clip_s) == ("clips", 1.5)


def test_a_recipe_of_other_labels_is_refused(keywords: Bundle, commands: Path) -> None:
    with pytest.raises(DatasetError, match="other labels"):
        find_clips(keywords.manifest, commands, "sounds", None)


def test_a_split_that_is_not_there_is_said(keywords: Bundle, commands: Path) -> None:
    with pytest.raises(DatasetError, match="'testing'; its splits: training, validation"):
        find_clips(keywords.manifest, commands, None, "testing")


def test_hidden_and_foreign_files_are_no_stream(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no sound")
    with pytest.raises(DatasetError, match="holds no recording"):
        sound_files(tmp_path)


@pytest.fixture(scope="module")
def figures(models: Path, tmp_path_factory: pytest.TempPathFactory) -> ClassifierFigures:
    """Of ten clips, without a stream."""
    folder = tmp_path_factory.mktemp("clips")
    draw = np.random.default_rng(0)
    for word in ("yes", "no", "up", "down", "left", "right", "go"):
        path = folder / "validation" / word / "0000_nohash_0.wav"
        path.parent.mkdir(parents=True)
        soundfile.write(path, draw.normal(size=16_000) * 0.05, 16_000)
    bundle = read_bundle(models / "keywords.bundle")
    return measure_classifier(bundle, Question(data=folder), quiet)


def test_a_page_is_the_same_every_time(figures: ClassifierFigures) -> None:
    first = render(figures, command="model-build evaluate", size_bytes=300_000)
    assert first == render(figures, command="model-build evaluate", size_bytes=300_000)
    assert external(first) == []
    assert "Not measured" in first


def test_a_page_survives_names_that_are_markup(figures: ClassifierFigures) -> None:
    evil = '"><script>alert(1)</script>&$x_1$'
    labels = (evil, *figures.labels[1:])
    renamed = dataclasses.replace(
        figures,
        labels=labels,
        data=evil,
        thresholds={evil: 0.5},
        per_label_share={evil: next(iter(figures.per_label_share.values()))},
        separation={evil: next(iter(figures.separation.values()))},
        skipped=(evil,),
    )
    page = render(renamed, command=evil, size_bytes=1)
    assert "<script" not in page
    assert "alert(1)" in page


def test_no_figure_of_the_json_is_infinite_or_no_number(figures: ClassifierFigures) -> None:
    plain = figures.to_plain()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["alarms"]["as_it_is"]["per_hour"] is None
