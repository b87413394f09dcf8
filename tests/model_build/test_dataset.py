from pathlib import Path

import numpy as np
import pytest
import soundfile

from model_build.audio_file import read_pcm
from model_build.dataset import find_corpus, load_recordings
from model_build.errors import DatasetError
from model_build.recipe import load_recipe
from model_build.speech_commands import split_by_hash
from tests.model_build.conftest import WriteSound

KEYWORDS = load_recipe("keywords")


def quiet(_what: str, _done: int, _total: int) -> None:
    pass


def test_split_folders_are_respected(commands: Path) -> None:
    corpus = find_corpus(KEYWORDS, commands)
    assert corpus.splits() == ("training", "validation")
    assert len(corpus.clips) == 81
    assert [path.name for path in corpus.noises] == ["hiss.wav"]
    recordings = load_recordings(KEYWORDS, corpus, quiet)
    assert {sound.label for sound in recordings.of("validation")} == {*KEYWORDS.targets, "_unknown_"}
    assert all(sound.pcm.shape == (16_000,) for sound in recordings.sounds)


def test_what_is_known_of_a_clip_is_kept(commands: Path, esc10: Path) -> None:
    corpus = find_corpus(KEYWORDS, commands)
    assert corpus.chosen_splits
    assert {clip.group for clip in corpus.clips} == {f"{speaker:08x}" for speaker in range(9)}
    assert {sound.seconds for sound in load_recordings(KEYWORDS, corpus, quiet).sounds} == {1.0}
    from model_build.esc50 import find

    assert {clip.group for clip in find(esc10).clips} == {"100"}


def test_the_archives_lists_are_respected(tmp_path: Path, write_sound: WriteSound) -> None:
    for word in KEYWORDS.targets:
        for speaker in ("0a", "0b", "0c"):
            write_sound(tmp_path / word / f"{speaker}_nohash_0.wav", seconds=0.1)
    (tmp_path / "validation_list.txt").write_text("yes/0a_nohash_0.wav\n")
    (tmp_path / "testing_list.txt").write_text("no/0b_nohash_0.wav\n")
    splits = {
        clip.path.relative_to(tmp_path).as_posix(): clip.split
        for clip in find_corpus(KEYWORDS, tmp_path).clips
    }
    assert splits["yes/0a_nohash_0.wav"] == "validation"
    assert splits["no/0b_nohash_0.wav"] == "testing"
    assert splits["yes/0b_nohash_0.wav"] == "training"


def test_without_lists_the_archives_hash_decides(tmp_path: Path, write_sound: WriteSound) -> None:
    for word in KEYWORDS.targets:
        write_sound(tmp_path / word / "0a7c2a8d_nohash_0.wav", seconds=0.1)
    assert {clip.split for clip in find_corpus(KEYWORDS, tmp_path).clips} == {
        split_by_hash("0a7c2a8d_nohash_3.wav")
    }


def test_the_hash_gives_about_a_tenth_each_to_validation_and_testing() -> None:
    splits = [split_by_hash(f"{speaker:08x}_nohash_0.wav") for speaker in range(2000)]
    assert 0.07 < splits.count("validation") / 2000 < 0.13
    assert 0.07 < splits.count("testing") / 2000 < 0.13


def test_real_training_and_validation_folders_follow_the_hash(shared_data: Path) -> None:
    corpus = find_corpus(KEYWORDS, shared_data / "speech_commands")
    assert all(clip.split == split_by_hash(clip.path.name) for clip in corpus.clips)


def test_esc10_is_found_by_its_table_and_resampled(esc10: Path) -> None:
    recipe = load_recipe("sounds")
    with pytest.raises(DatasetError, match="no clip of rooster"):
        find_corpus(recipe, esc10)
    from model_build.esc50 import find

    corpus = find(esc10)
    assert [(clip.word, clip.split) for clip in corpus.clips] == [("dog", "1"), ("dog", "2")]
    sound = load_recordings(recipe, corpus, quiet).sounds[0]
    assert sound.pcm.shape == (5 * 16_000,)
    assert np.abs(sound.pcm[: 2 * 16_000]).max() > 5000


def test_a_broken_file_is_named_and_skipped(commands: Path) -> None:
    broken = commands / "training" / "yes" / "00000000_nohash_0.wav"
    broken.write_bytes(broken.read_bytes()[:30])
    (commands / "training" / "no" / "00000000_nohash_0.wav").write_bytes(b"")
    recordings = load_recordings(KEYWORDS, find_corpus(KEYWORDS, commands), quiet)
    assert len(recordings.sounds) == 79
    assert len(recordings.broken) == 2
    assert any(str(broken) in sentence for sentence in recordings.broken)


def test_limit_takes_the_first_of_each_word_and_split(commands: Path) -> None:
    recordings = load_recordings(KEYWORDS, find_corpus(KEYWORDS, commands), quiet, limit=2)
    assert len(recordings.sounds) == 9 * 2 * 2


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus"])
def test_any_format_becomes_16_khz_mono(tmp_path: Path, suffix: str) -> None:
    rate_hz = 48_000
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)
    path = tmp_path / f"tone.{suffix}"
    if suffix == "opus":
        soundfile.write(path, np.stack([tone, tone], axis=1), rate_hz, format="OGG", subtype="OPUS")
    else:
        soundfile.write(path, np.stack([tone, tone], axis=1), rate_hz)
    pcm = read_pcm(path)
    assert pcm.dtype == np.int16
    assert abs(pcm.size - 16_000) < 10
    assert abs(np.sqrt(np.mean((pcm / 32768.0) ** 2)) - 0.5 / np.sqrt(2)) < 0.02


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        find_corpus(KEYWORDS, tmp_path / "absent")
    with pytest.raises(DatasetError, match="holds no clips"):
        find_corpus(KEYWORDS, tmp_path)
    with pytest.raises(DatasetError, match=r"esc50\.csv"):
        find_corpus(load_recipe("sounds"), tmp_path)
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DatasetError, match="columns"):
        find_corpus(load_recipe("sounds"), tmp_path)


def test_a_folder_of_data_sets_is_searched_for_the_one_that_fits(shared_data: Path) -> None:
    assert (
        find_corpus(KEYWORDS, shared_data).clips
        == find_corpus(KEYWORDS, shared_data / "speech_commands").clips
    )
    sounds = load_recipe("sounds")
    assert find_corpus(sounds, shared_data).clips == find_corpus(sounds, shared_data / "esc10").clips
