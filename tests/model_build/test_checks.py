"""Each fault that can be put into recordings is named, and sound ones are left in peace."""

import dataclasses
import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from model_build.audio_file import decode
from model_build.checks.check import check_recordings, require_trainable
from model_build.checks.duplicates import correlation, duplicates, fingerprint
from model_build.checks.finding import ERROR, NOTE, WARNING, Finding
from model_build.checks.signal import faults
from model_build.checks.verdict import verdict
from model_build.dataset import Recordings, Sound
from model_build.errors import DatasetError
from model_build.recipe import load_recipe
from tests.model_build.sounds import babble, clip, recordings, write

RECIPE = dataclasses.replace(
    load_recipe("keywords"), targets=("yes", "no"), unknown=None, layout="clips", negatives=()
)


def enough() -> list[Sound]:
    """Recordings with which nothing is wrong."""
    sounds = []
    for place, word in enumerate(RECIPE.targets):
        sounds += [clip(1000 * place + index, word=word, group=f"a{index}") for index in range(20)]
        sounds += [
            clip(500 + 1000 * place + index, word=word, split="validation", group=f"b{index}")
            for index in range(4)
        ]
    return sounds


def found(data: Recordings, limit: int | None = None) -> dict[str, Finding]:
    return {finding.kind: finding for finding in check_recordings(RECIPE, data, limit)}


def quiet(_what: str, _done: int, _total: int) -> None:
    pass


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert check_recordings(RECIPE, recordings(*enough())) == ()


def test_too_few_clips_stop_the_training_and_few_are_warned_of() -> None:
    sounds = [s for s in enough() if not (s.label == "no" and s.clip.split == "training")]
    few = found(recordings(*sounds, *(clip(9000 + i, word="no") for i in range(4))))["few"]
    assert few.severity == ERROR
    assert "no (4)" in few.sentence
    assert "yes" not in few.sentence
    with pytest.raises(DatasetError, match=r"no \(4\)"):
        require_trainable([few])
    more = found(recordings(*sounds, *(clip(9000 + i, word="no") for i in range(5))))["few"]
    assert more.severity == WARNING


def test_who_asks_for_few_clips_is_not_told_that_they_are_few() -> None:
    sounds = [clip(i, word=word, split=split) for i, (word, split) in enumerate(
        (w, s) for w in RECIPE.targets for s in ("training", "validation") for _ in range(2)
    )]  # fmt: skip
    assert found(recordings(*sounds))["few"].severity == ERROR
    assert "few" not in found(recordings(*sounds), limit=2)


def test_a_label_without_validation_is_named() -> None:
    sounds = [s for s in enough() if s.clip.split == "training" or s.label == "yes"]
    assert found(recordings(*sounds))["unmeasured"].severity == WARNING
    nothing = found(recordings(*(s for s in enough() if s.clip.split == "training")))["unmeasured"]
    assert nothing.severity == ERROR


def test_silent_clips_are_named_and_do_not_count() -> None:
    silent = clip(1, pcm=np.zeros(16_000, np.int16))
    faint = clip(2, pcm=np.random.default_rng(0).integers(-3, 4, 16_000).astype(np.int16))
    finding = found(recordings(*enough(), silent, faint))["silent"]
    assert finding.files == ("yes/1.wav", "yes/2.wav")
    short_of = [s for s in enough() if not (s.label == "no" and s.clip.split == "training")]
    zeros = [clip(i, word="no", pcm=np.zeros(16_000, np.int16)) for i in range(30)]
    assert found(recordings(*short_of, *zeros))["few"].severity == ERROR


def test_a_constant_level_is_no_sound() -> None:
    constant = clip(3, pcm=np.full(16_000, 9000, np.int16))
    assert found(recordings(*enough(), constant))["constant"].files == ("yes/3.wav",)


def test_clipping_is_runs_at_full_scale_not_single_peaks() -> None:
    loud = (babble(4, rms=0.1) * 32767).clip(-32768, 32767).astype(np.int16)
    peaks = loud.copy()
    peaks[::20] = 32767
    assert not faults(peaks).clipped
    tone = 3 * np.sin(2 * np.pi * 200 * np.arange(16_000) / 16_000)
    plateaus = (tone * 32768).clip(-32768, 32767).astype(np.int16)
    assert found(recordings(*enough(), clip(4, pcm=plateaus)))["clipped"].files == ("yes/4.wav",)


def test_too_short_recordings_are_named() -> None:
    short = dataclasses.replace(clip(5), seconds=0.04)
    assert found(recordings(*enough(), short))["short"].files == ("yes/5.wav",)


def test_many_of_one_kind_become_one_sentence() -> None:
    zeros = [clip(7000 + i, pcm=np.zeros(16_000, np.int16)) for i in range(12)]
    finding = found(recordings(*enough(), *zeros))["silent"]
    assert finding.sentence.startswith(
        "12 clips are silent: yes/7000.wav, yes/7001.wav, yes/7002.wav and 9 more"
    )
    assert len(finding.files) == 12


def vorbis(pcm: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    soundfile.write(file, pcm, 16_000, format="OGG", subtype="VORBIS")
    file.seek(0)
    return np.resize(soundfile.read(file, dtype="int16")[0], pcm.size)


@pytest.mark.parametrize(
    "change",
    [
        lambda pcm: pcm,
        lambda pcm: (pcm * 0.3).astype(np.int16),
        lambda pcm: np.roll(pcm, 400),
        lambda pcm: pcm + np.random.default_rng(1).integers(-40, 40, pcm.size).astype(np.int16),
        vorbis,
    ],
    ids=["exact", "quieter", "25 ms later", "noisier", "through a codec"],
)
def test_copies_are_found_whatever_happened_to_them(change: object) -> None:
    originals = [clip(index).pcm // 2 for index in range(40)]
    assert callable(change)
    assert duplicates([*originals, change(originals[7])], ["yes"] * 41) == [[7, 40]]


def test_different_recordings_are_no_copies() -> None:
    assert duplicates([clip(index).pcm for index in range(60)], ["yes"] * 60) == []
    a, b = clip(1).pcm, clip(2).pcm
    assert correlation(a, a) == pytest.approx(1.0, abs=1e-3)
    assert correlation(a, b) < 0.3
    assert np.linalg.norm(fingerprint(a)) == pytest.approx(1.0, abs=1e-3)


def test_a_recording_under_two_labels_is_named() -> None:
    copy = dataclasses.replace(clip(1000, word="no"), pcm=clip(3).pcm)
    sounds = [s for s in enough() if s.clip.path != copy.clip.path]
    assert "no/1000.wav" in found(recordings(*sounds, copy))["relabelled"].sentence


@pytest.mark.parametrize(("chosen", "severity"), [(True, ERROR), (False, WARNING)])
def test_a_copy_in_another_split_leaks(chosen: bool, severity: str) -> None:
    copy = clip(8000, split="validation", pcm=clip(3).pcm)
    assert found(recordings(*enough(), copy, chosen=chosen))["leak"].severity == severity


def test_a_few_leaking_copies_in_a_large_set_do_not_stop_it() -> None:
    many = [clip(20_000 + i, split="validation", group=f"c{i}") for i in range(150)]
    copy = clip(8000, split="validation", pcm=clip(3).pcm)
    assert found(recordings(*enough(), *many, copy))["leak"].severity == WARNING


@pytest.mark.parametrize(("chosen", "severity"), [(True, ERROR), (False, WARNING)])
def test_a_speaker_in_two_splits_leaks(chosen: bool, severity: str) -> None:
    again = clip(8001, split="validation", group="a3")
    finding = found(recordings(*enough(), again, chosen=chosen))["leak"]
    assert finding.severity == severity
    assert "a3" in finding.sentence


def test_copies_within_a_split_are_only_noted_while_they_are_few() -> None:
    many = [clip(20_000 + i, group=f"c{i}") for i in range(150)]
    one = clip(8002, pcm=clip(3).pcm, group="a3")
    assert found(recordings(*enough(), *many, one))["duplicate"].severity == NOTE
    ten = [clip(8100 + i, pcm=clip(i).pcm, group=f"a{i}") for i in range(10)]
    assert found(recordings(*enough(), *ten))["duplicate"].severity == WARNING


def test_labels_of_very_different_size_are_named() -> None:
    many = [clip(30_000 + i, group=f"d{i}") for i in range(200)]
    assert "no has 20" in found(recordings(*enough(), *many))["uneven"].sentence


def test_a_missing_unknown_label_is_warned_of() -> None:
    recipe = dataclasses.replace(RECIPE, unknown="_unknown_")
    kinds = {finding.kind for finding in check_recordings(recipe, recordings(*enough()))}
    assert "no-unknown" in kinds


def test_broken_files_are_named_and_the_others_used(tmp_path: Path) -> None:
    for index in range(30):
        write(tmp_path / "yes" / f"s{index}_a.wav", babble(index))
        write(tmp_path / "no" / f"s{index}_b.wav", babble(100 + index))
    whole = (tmp_path / "yes" / "s1_a.wav").read_bytes()
    (tmp_path / "yes" / "s1_a.wav").write_bytes(whole[:20_000])
    (tmp_path / "yes" / "s2_a.wav").write_bytes(b"RIFF")
    nan = np.full(16_000, np.nan, np.float32)
    soundfile.write(tmp_path / "no" / "s3_b.wav", nan, 16_000, subtype="FLOAT")
    write(tmp_path / "no" / "s4_b.wav", np.tile(babble(7)[:, None], 2), 44_100)
    result = verdict(RECIPE, tmp_path, quiet)
    kinds = {finding.kind: finding for finding in result.findings}
    assert kinds["truncated"].files == ("yes/s1_a.wav",)
    assert {Path(file).name for file in kinds["unreadable"].files} == {"s2_a.wav", "s3_b.wav"}
    assert "44100 Hz with 2 channels (1)" in kinds["mixed"].sentence
    assert not result.errors
    assert sum(result.clips["yes"].values()) == 29


def test_a_wav_file_from_a_pipe_is_not_called_truncated(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", babble(1))
    content = bytearray(path.read_bytes())
    content[4:8] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(content)
    assert not decode(path).truncated


def test_nothing_trainable_is_a_finding_too(tmp_path: Path) -> None:
    result = verdict(RECIPE, tmp_path, quiet)
    assert [finding.kind for finding in result.errors] == ["nothing"]
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "a.wav").write_bytes(b"nothing at all")
    assert "cannot be read" in verdict(RECIPE, tmp_path, quiet).errors[0].sentence


def test_the_public_sets_pass(shared_data: Path) -> None:
    result = verdict(load_recipe("sounds"), shared_data / "esc10", quiet)
    assert not result.errors
    assert not [finding for finding in result.findings if finding.kind == "leak"]
