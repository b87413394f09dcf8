"""Recordings of any length, labelled in any of the ways that people label."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_build.checks.finding import ERROR
from model_build.checks.verdict import verdict
from model_build.cuts import Span, cut
from model_build.dataset import Corpus, find_corpus, load_recordings
from model_build.errors import DatasetError
from model_build.label_files import read_audacity, read_table
from model_build.recipe import load_recipe
from model_build.splitting import validation_groups
from tests.model_build.sounds import RATE_HZ, babble, write

RECIPE = dataclasses.replace(
    load_recipe("keywords"), layout="clips", targets=("yes", "no"), unlabelled=None, negatives=()
)


def quiet(_what: str, _done: int, _total: int) -> None:
    pass


def fill(folder: Path, count: int = 10, *, words: tuple[str, ...] = ("yes", "no")) -> Path:
    """Short recordings of ``count`` speakers."""
    for place, word in enumerate(words):
        for index in range(count):
            write(folder / word / f"s{index}_1.wav", babble(1000 * place + index, 0.6))
    return folder


def kinds(corpus: Corpus) -> dict[str, str]:
    return {finding.kind: finding.sentence for finding in corpus.findings}


def splits_of_groups(corpus: Corpus) -> dict[str, set[str]]:
    splits: dict[str, set[str]] = {}
    for clip in corpus.clips:
        splits.setdefault(clip.group or clip.path.name, set()).add(clip.split)
    return splits


def test_folders_are_labels_and_names_begin_with_the_speaker(tmp_path: Path) -> None:
    corpus = find_corpus(RECIPE, fill(tmp_path))
    assert not corpus.chosen_splits
    assert {(clip.word, clip.split) for clip in corpus.clips} == {
        (word, split) for word in ("yes", "no") for split in ("training", "validation")
    }
    by_speaker: dict[str, set[str]] = {}
    for clip in corpus.clips:
        by_speaker.setdefault(clip.path.name[:2], set()).add(clip.split)
    assert all(len(splits) == 1 for splits in by_speaker.values())
    assert sum(splits == {"validation"} for splits in by_speaker.values()) == 2


def test_a_folder_of_each_speaker_works_too(tmp_path: Path) -> None:
    for word in ("yes", "no"):
        for speaker in ("anna", "ben", "carl"):
            for take in range(3):
                write(tmp_path / word / speaker / f"{take}.wav", babble(take))
    assert all(len(splits) == 1 for splits in splits_of_groups(find_corpus(RECIPE, tmp_path)).values())


def test_clips_of_one_source_are_split_by_recording_and_that_is_said(tmp_path: Path) -> None:
    for word in ("yes", "no"):
        for take in range(10):
            write(tmp_path / word / "anna" / f"{take}.wav", babble(take))
    corpus = find_corpus(RECIPE, tmp_path)
    assert "come from one source" in kinds(corpus)["one-source"]
    assert corpus.splits() == ("training", "validation")


def test_split_folders_win(tmp_path: Path) -> None:
    fill(tmp_path / "training", 3)
    fill(tmp_path / "validation", 2)
    corpus = find_corpus(RECIPE, tmp_path)
    assert corpus.chosen_splits
    assert sorted(clip.split for clip in corpus.clips) == ["training"] * 6 + ["validation"] * 4


def test_a_project_folder_is_found_from_outside(tmp_path: Path) -> None:
    fill(tmp_path / "clips")
    assert len(find_corpus(RECIPE, tmp_path).clips) == 20


def test_background_is_noise_and_other_words_are_unknown(tmp_path: Path) -> None:
    fill(tmp_path, words=("yes", "no", "maybe"))
    write(tmp_path / "_background_noise_" / "fan.flac", babble(9, 3.0))
    write(tmp_path / "_silence_" / "night.wav", babble(10, 2.0))
    write(tmp_path / "_unknown_" / "radio.wav", babble(11, 4.0))
    corpus = find_corpus(RECIPE, tmp_path)
    assert {path.name for path in corpus.noises} == {"fan.flac", "night.wav"}
    assert "maybe count as _unknown_" in kinds(corpus)["other-words"]
    loaded = load_recordings(RECIPE, corpus, quiet)
    assert sum(sound.label == "_unknown_" for sound in loaded.sounds) == 10 + 4
    assert sorted(noise.size for noise in loaded.noises) == [32_000, 48_000]


def test_a_table_labels_parts_and_splits_and_groups(tmp_path: Path) -> None:
    fill(tmp_path)
    write(tmp_path / "walk.wav", babble(50, 10.0), 16_000)
    (tmp_path / "labels.csv").write_text(
        "file,label,start_s,end_s,split,speaker\n"
        "walk.wav,yes,1.0,1.4,validation,zoe\n"
        "walk.wav,no,8.0,8.5,validation,zoe\n"
    )
    corpus = find_corpus(RECIPE, tmp_path)
    cuts = [clip for clip in corpus.clips if clip.path.name == "walk.wav"]
    assert [(clip.word, clip.split, clip.group) for clip in cuts] == [
        ("yes", "validation", "zoe"),
        ("no", "validation", "zoe"),
    ]
    sounds = {s.label: s for s in load_recordings(RECIPE, corpus, quiet).sounds if s.clip in cuts}
    whole = soundfile.read(tmp_path / "walk.wav", dtype="int16")[0]
    assert np.array_equal(sounds["yes"].pcm, whole[11_200:27_200])


def test_label_tracks_of_audacity_are_read_beside_the_recording(tmp_path: Path) -> None:
    fill(tmp_path)
    write(tmp_path / "walk.ogg", babble(51, 6.0))
    (tmp_path / "walk.txt").write_text("1,000000\t1,300000\tyes\n\\\t100.0\t900.0\n4.0\t4.0\tno\n")
    corpus = find_corpus(RECIPE, tmp_path)
    cuts = [clip for clip in corpus.clips if clip.path.name == "walk.ogg"]
    assert [(clip.word, clip.span and clip.span.start_s) for clip in cuts] == [("yes", 1.0), ("no", 4.0)]
    assert len({clip.split for clip in cuts}) == 1


def test_what_lies_between_labels_is_background_if_the_recipe_says_so(tmp_path: Path) -> None:
    fill(tmp_path)
    write(tmp_path / "walk.wav", babble(52, 10.0))
    (tmp_path / "walk.txt").write_text("4.0\t5.0\tyes\n")
    for label, unknown, noise in ((None, 0, 0), ("_unknown_", 9, 0), ("_silence_", 0, 9)):
        recipe = dataclasses.replace(RECIPE, unlabelled=label)
        loaded = load_recordings(recipe, find_corpus(recipe, tmp_path), quiet)
        assert sum(sound.label == "_unknown_" for sound in loaded.sounds) == unknown
        assert len(loaded.noises) == noise
    spans = [c.span for c in find_corpus(recipe, tmp_path).clips if c.word == "_silence_"]
    assert [(span.start_s, span.end_s) for span in spans if span] == [(0.0, 3.75), (5.25, None)]


def test_two_cuts_of_a_file_are_never_in_different_splits(tmp_path: Path) -> None:
    for index in range(8):
        write(tmp_path / f"walk{index}.wav", babble(60 + index, 5.0))
        (tmp_path / f"walk{index}.txt").write_text("0.5\t1.0\tyes\n2.0\t2.5\tno\n4.0\t4.5\tyes\n")
    splits: dict[Path, set[str]] = {}
    for clip in find_corpus(RECIPE, tmp_path).clips:
        splits.setdefault(clip.path, set()).add(clip.split)
    assert all(len(found) == 1 for found in splits.values())
    assert set().union(*splits.values()) == {"training", "validation"}


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("file,label\nabsent.wav,yes\n", "absent"),
        ("file,label,weather\nyes/s1_1.wav,yes,rain\n", "column"),
        ("file,label,start_s\nyes/s1_1.wav,yes,soon\n", "label-file"),
        ("file,label,split\nyes/s1_1.wav,yes,mine\n", "label-file"),
        ("file,label,start_s,end_s\nyes/s1_1.wav,yes,2,1\n", "label-file"),
        ("name,what\na,b\n", "label-file"),
        ("", "label-file"),
        ("\0\n\0", "label-file"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path: Path, table: str, kind: str) -> None:
    fill(tmp_path)
    (tmp_path / "labels.csv").write_text(table)
    assert kind in kinds(find_corpus(RECIPE, tmp_path))


def test_a_label_after_the_end_of_its_recording_is_named(tmp_path: Path) -> None:
    fill(tmp_path)
    write(tmp_path / "walk.wav", babble(53, 2.0))
    (tmp_path / "walk.txt").write_text("1.0\t1.5\tyes\n5.0\t5.5\tno\n")
    loaded = load_recordings(RECIPE, find_corpus(RECIPE, tmp_path), quiet)
    finding = next(finding for finding in loaded.findings if finding.kind == "outside")
    assert finding.files == (f"{tmp_path.name}/walk.wav (5 to 5.5 s of 2.00 s)",)


def test_a_label_in_other_letters_stops_the_training(tmp_path: Path) -> None:
    fill(tmp_path, words=("yes", "No"))
    errors = {finding.kind: finding for finding in verdict(RECIPE, tmp_path, quiet).errors}
    assert "spells it 'no'" in errors["spelling"].sentence
    assert errors["spelling"].severity == ERROR


def test_folders_that_begin_with_an_underscore_are_aside(tmp_path: Path) -> None:
    fill(tmp_path, words=("yes", "no", "_old_", "_Background_Noise_"))
    corpus = find_corpus(RECIPE, tmp_path)
    assert {clip.word for clip in corpus.clips} == {"yes", "no"}
    assert "spells it '_background_noise_'" in kinds(corpus)["spelling"]
    assert "other-words" not in kinds(corpus)


def test_what_is_in_no_folder_or_format_is_named(tmp_path: Path) -> None:
    fill(tmp_path)
    write(tmp_path / "lost.wav", babble(1))
    (tmp_path / "yes" / "phone.m4a").write_bytes(b"x")
    (tmp_path / "_unknown_").mkdir()
    found = kinds(find_corpus(RECIPE, tmp_path))
    assert {"unlabelled", "format", "empty"} <= set(found)
    assert "phone.m4a" in found["format"]


def test_a_folder_without_any_label_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, words=("dog",))
    with pytest.raises(DatasetError, match="no clip of yes or no"):
        find_corpus(RECIPE, tmp_path)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "opus"])
def test_any_rate_and_format_is_read(tmp_path: Path, rate_hz: int, suffix: str) -> None:
    fill(tmp_path, 3)
    path = tmp_path / "yes" / f"s7_1.{suffix}"
    seconds = 0.5
    sound = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate_hz)) / rate_hz)
    if suffix == "opus":
        rate_hz = 48_000 if rate_hz == 22_050 else rate_hz
        soundfile.write(path, sound, rate_hz, format="OGG", subtype="OPUS")
    else:
        soundfile.write(path, sound, rate_hz)
    loaded = load_recordings(RECIPE, find_corpus(RECIPE, tmp_path), quiet)
    assert not loaded.broken
    pcm = next(sound.pcm for sound in loaded.sounds if sound.clip.path == path)
    assert pcm.shape == (16_000,)
    assert np.abs(pcm).max() > 5_000


def word_in(seconds: float, at_s: float) -> np.ndarray:
    pcm = np.random.default_rng(0).integers(-20, 20, round(seconds * RATE_HZ)).astype(np.int16)
    begin = round(at_s * RATE_HZ)
    pcm[begin : begin + 4_800] += np.int16(9_000)
    return pcm


def test_of_a_long_recording_of_a_word_the_loudest_second_is_taken() -> None:
    (part,) = cut(word_in(5.0, 3.1), None, 16_000, lasting=False)
    loud = np.flatnonzero(part > 5_000)
    assert loud.size == 4_800
    assert abs(int(loud.mean()) - 8_000) < 1_000


def test_of_a_lasting_sound_all_but_the_quiet_parts_are_taken() -> None:
    rain = (babble(1, 4.6) * 20_000).astype(np.int16)
    assert [part.size for part in cut(rain, None, 16_000, lasting=True)] == [16_000] * 5
    barely = np.concatenate([rain[:16_000], np.ones(32_000, np.int16)])
    assert len(cut(barely, None, 16_000, lasting=True)) == 1


def test_a_window_around_a_label_stops_at_its_neighbour() -> None:
    pcm = np.arange(48_000, dtype=np.int32).clip(0, 32_767).astype(np.int16)
    near = Span(start_s=1.0, end_s=1.2, room_start_s=0.9, room_end_s=1.3)
    (part,) = cut(pcm, near, 16_000, lasting=False)
    assert np.array_equal(part[:6_400], pcm[14_400:20_800])
    assert not part[6_400:].any()


@given(
    samples=st.integers(1, 60_000),
    start=st.floats(0, 4),
    length=st.floats(0, 4) | st.none(),
    before=st.floats(0, 2),
    lasting=st.booleans(),
)
def test_every_cut_is_as_long_as_asked_for(
    samples: int, start: float, length: float | None, before: float, lasting: bool
) -> None:
    pcm = np.arange(samples).astype(np.int16)
    span = Span(
        start_s=start,
        end_s=None if length is None else start + length,
        room_start_s=max(0.0, start - before),
        room_end_s=None,
    )
    if span.within(samples / RATE_HZ):
        parts = cut(pcm, span, 16_000, lasting=lasting)
        assert parts
        assert all(part.shape == (16_000,) and part.dtype == np.int16 for part in parts)


@given(
    st.dictionaries(
        st.text("abcdef", min_size=1, max_size=6),
        st.dictionaries(st.sampled_from(["yes", "no", "up"]), st.integers(1, 9), min_size=1),
        min_size=1,
        max_size=20,
    )
)
def test_each_label_that_can_be_split_is(amounts: dict[str, dict[str, int]]) -> None:
    held = validation_groups(amounts)
    assert held == validation_groups(dict(reversed(amounts.items())))
    for label in {label for labels in amounts.values() for label in labels}:
        with_label = {group for group, labels in amounts.items() if label in labels}
        alone = {group for group in with_label if set(amounts[group]) == {label}}
        if len(with_label) == 1:
            assert not (held >= with_label and len(amounts) > 1 and alone)
        elif len(alone) > 1:
            assert held & with_label


@given(st.binary(max_size=400))
def test_no_bytes_break_the_readers_of_label_files(content: bytes) -> None:
    for read in (read_table, read_audacity):
        try:
            read(content)
        except DatasetError:
            continue


ROWS = st.lists(st.text('yesno.wav,;\t\\"\n0123456789-einfa', max_size=40), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    audio=st.binary(max_size=300),
    rows=ROWS,
    track=ROWS,
    head=st.sampled_from([b"", b"RIFF", b"OggS", b"fLaC"]),
)
def test_no_content_of_a_folder_breaks_the_check(
    tmp_path_factory: pytest.TempPathFactory, audio: bytes, rows: list[str], track: list[str], head: bytes
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    write(folder / "yes" / "s1_1.wav", babble(1, 0.2))
    for suffix in ("wav", "flac", "ogg"):
        (folder / "no").mkdir(exist_ok=True)
        (folder / "no" / f"x.{suffix}").write_bytes(head + audio)
    write(folder / "walk.wav", babble(2, 0.3))
    (folder / "walk.txt").write_text("\n".join(track))
    (folder / "labels.csv").write_text("file,label,start_s,end_s,split\n" + "\n".join(rows))
    assert verdict(RECIPE, folder, quiet).findings


def test_a_recipe_that_calls_background_something_else_is_refused() -> None:
    import tomllib

    from model_build.errors import RecipeError
    from model_build.recipe import FOLDER, parse_recipe

    plain = tomllib.loads((FOLDER / "keywords.toml").read_text())
    with pytest.raises(RecipeError, match="unlabelled"):
        parse_recipe({**plain, "unlabelled": "yes"})
