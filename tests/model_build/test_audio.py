import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from contract.audio import HOP_SAMPLES, MEL_BINS, RATE_HZ
from contract.codec.profiles import BY_NAME
from contract.codec.range_coder import TOTAL
from contract.errors import CodecError
from model_build.__main__ import main
from model_build.audio.codecs import FeatureCodec, Packets, Pcm
from model_build.audio.evaluation import NOISE_DB, measure
from model_build.audio.learning import learn
from model_build.audio.noisy import mixed, noise_of
from model_build.audio.scores import Scores, high_passed, si_sdr_db
from model_build.audio_file import read_pcm
from model_build.frontend_reference import high_pass


def a_voice(seconds: float = 1.0, seed: int = 0) -> Pcm:
    """Syllables: a buzz that comes and goes."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    buzz = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 12))
    noise = np.random.default_rng(seed).normal(0, 20, t.size)
    return np.asarray(3000 * buzz * np.sin(2 * np.pi * 2 * t) ** 2 + noise, np.int16)


class Wire:
    """A codec that changes nothing: a byte pair for each sample."""

    name = "wire"

    def encode(self, pcm: Pcm) -> Packets:
        return [hop.tobytes() for hop in pcm.reshape(-1, HOP_SAMPLES)]

    def decode(self, packets: Packets) -> Pcm:
        silence = bytes(2 * HOP_SAMPLES)
        return np.frombuffer(b"".join(packet or silence for packet in packets), np.int16)


class FakeJudge:
    """Counts what is lost."""

    def score(self, heard: Pcm, again: Pcm) -> Scores:
        kept = (heard == again).reshape(-1, HOP_SAMPLES).all(axis=1).mean()
        return Scores(pesq=None, stoi=float(kept), si_sdr_db=0.0)


def nothing(what: str, done: int, total: int) -> None:
    """No progress is shown."""


def test_bits_are_counted_from_the_bytes_of_packets() -> None:
    row = measure(Wire(), [a_voice(), a_voice(2.0)], FakeJudge(), nothing)  # type: ignore[arg-type]
    assert (row.kbps, row.pesq, row.stoi, row.recordings) == (256.0, None, 1.0, 2)


def test_packets_are_lost_as_often_as_was_said_and_each_time_alike() -> None:
    rows = [measure(Wire(), [a_voice(8.0)], FakeJudge(), nothing, 0.2) for _ in range(2)]  # type: ignore[arg-type]
    assert rows[0].stoi == rows[1].stoi == pytest.approx(0.8, abs=0.06)
    assert rows[0].name == "wire, 20% lost"


def test_noise_is_as_far_below_speech_as_was_said(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 500, 3 * RATE_HZ).astype(np.int16)
    soundfile.write(tmp_path / "hiss.wav", noise, RATE_HZ)
    speech = [a_voice(), a_voice(seed=2), a_voice(2.0)]
    for clean, heard in zip(speech, mixed(speech, noise_of(tmp_path), NOISE_DB), strict=True):
        rest = heard.astype(float) - clean
        assert 10 * np.log10((clean.astype(float) ** 2).mean() / (rest**2).mean()) == pytest.approx(
            NOISE_DB, abs=0.1
        )


def test_the_reference_is_filtered_as_the_front_end_does() -> None:
    pcm = a_voice()
    assert si_sdr_db(high_pass(pcm, 30.0), high_passed(pcm.astype(float))) > 30


@pytest.mark.parametrize("name", ["exact", "15k"])
def test_our_codec_keeps_the_length_of_silence(name: str, models: Path) -> None:
    from contract.bundle import read_bundle

    preprocess = read_bundle(models / "keywords.bundle").files["preprocess.tflite"]
    codec = FeatureCodec(profile=BY_NAME[name], packet_ms=60, preprocess=preprocess)
    pcm = np.concatenate([a_voice(0.5), np.zeros(RATE_HZ, np.int16), a_voice(0.5)])
    packets = codec.encode(pcm)
    again = codec.decode(packets)
    assert abs(again.size - pcm.size) <= 2 * HOP_SAMPLES
    loud = np.abs(again.astype(float)) > 300
    assert loud[: RATE_HZ // 2].mean() > 0.3
    assert not loud[int(0.8 * RATE_HZ) : int(1.4 * RATE_HZ)].any()
    assert loud[int(1.5 * RATE_HZ) :].mean() > 0.3


def test_what_is_learned_is_whole_and_foresees_what_it_was_learned_from() -> None:
    frames = np.arange(40)[:, None] // 4 + np.arange(MEL_BINS)[None, :] // 2
    learned = learn([frames.astype(np.int8)] * 6, 50)
    assert len(learned["typical"]) == MEL_BINS
    for model in (learned["key"], learned["following"]):
        for table in model["tables"]:
            assert (table[0], table[-1]) == (0, TOTAL)
            assert all(low < high for low, high in pairwise(table))
    assert sum(learned["following"]["weights"]) == pytest.approx(1024, abs=30)


def test_codec_errors_belong_to_the_contract() -> None:
    assert issubclass(CodecError, ValueError)


def test_the_command_prints_its_tables(
    tmp_path: Path, models: Path, capsys: pytest.CaptureFixture[str], shared_data: Path
) -> None:
    pytest.importorskip("pystoi")
    spoken = read_pcm(sorted((shared_data / "speech_sentences").glob("*.flac"))[1])
    soundfile.write(tmp_path / "spoken.wav", spoken[RATE_HZ : 5 * RATE_HZ], RATE_HZ)
    words = ["--data", str(tmp_path), "--json"]
    assert main(["evaluate-audio", *words, "--bundle", str(models / "keywords.bundle")]) == 0
    told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert told["recordings"] == 1
    ours = {row["name"]: row for row in told["codecs"]}
    assert ours["Soundpost 8k"]["kbps"] < ours["Soundpost 10k"]["kbps"] < ours["Soundpost 15k"]["kbps"] < 24
    assert ours["Soundpost 15k"]["stoi"] > 0.95
    assert [row["name"] for row in told["frames"]] == ["stored frames", "finer frames"]


def test_what_cannot_be_measured_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], models: Path
) -> None:
    pytest.importorskip("pystoi")
    words = ["--data", str(tmp_path / "absent"), "--bundle", str(models / "keywords.bundle")]
    assert main(["evaluate-audio", *words]) == 1
    assert "is not a folder" in capsys.readouterr().err


def test_the_codec_learns_from_a_folder(
    tmp_path: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(7):
        soundfile.write(tmp_path / f"{number}.wav", a_voice(0.4, number), RATE_HZ)
    out = tmp_path / "learned.json"
    words = ["--data", str(tmp_path), "--bundle", str(models / "keywords.bundle"), "--hold-back", "1"]
    assert main(["learn-codec", *words, "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["recordings"] == 6
    assert sorted(json.loads(out.read_text())) == ["100", "50"]
