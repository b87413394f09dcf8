"""Denoise, as the factory makes and measures it."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from contract.audio import HOP_SAMPLES, RATE_HZ
from contract.bundle import Bundle, read_bundle
from contract.denoise.log_mmse import LogMmse
from contract.denoise.spectra import DELAY_SAMPLES, Analysis, HighPass, Synthesis
from contract.manifest import DENOISE, DENOISER
from edge_agent.denoisers import load_denoiser
from model_build.__main__ import main
from model_build.audio.denoisers import Classic, Model
from model_build.audio.denoising import on_offsets
from model_build.audio.noisy import mixed, noise_of
from model_build.audio.recordings import whole_hops
from model_build.audio.scores import Judge, high_passed, si_sdr_db
from model_build.denoise.export import export_denoiser
from model_build.denoise.mixing import Mixer
from model_build.denoise.recipe import load_denoise_recipe, parse_denoise_recipe
from model_build.denoise.sources import Places, find
from model_build.errors import ConversionError, RecipeError
from model_build.parity_report import read_parity, readable
from model_build.recipe import FOLDER
from model_build.runtime import Denoiser, undelayed
from tests.model_build.test_audio import a_voice, nothing

_SMALL = {
    "dense = 64": "dense = 8",
    "hidden = 136": "hidden = 16",
    "batch = 48": "batch = 4",
    "excerpt_s = 2.6": "excerpt_s = 0.5",
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """Voices, and two kinds of noise."""
    folder = tmp_path_factory.mktemp("recordings")
    for number in range(8):
        (folder / "speech").mkdir(exist_ok=True)
        soundfile.write(folder / "speech" / f"{number}.flac", a_voice(3.0, seed=number), RATE_HZ)
    for number, colour in enumerate(("hiss", "rumble", "wind")):
        (folder / "noise").mkdir(exist_ok=True)
        noise = np.random.default_rng(number).normal(0, 800, 6 * RATE_HZ)
        noise = np.convolve(noise, np.ones(1 + 8 * number) / (1 + 8 * number), "same")
        soundfile.write(folder / "noise" / f"{colour}.wav", noise.astype(np.int16), RATE_HZ)
    return Places(speech=folder / "speech", noises=(folder / "noise",), words=None)


@pytest.fixture(scope="module")
def made(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small denoiser that has learned next to nothing."""
    folder = tmp_path_factory.mktemp("made")
    text = (FOLDER / "denoise.toml").read_text()
    for wide, narrow in _SMALL.items():
        text = text.replace(wide, narrow)
    (folder / "small.toml").write_text(text)
    asked = [
        "train", "--recipe", folder / "small.toml", "--data", places.speech, "--noise", places.noises[0],
        "--epochs", "3", "--out", folder / "small.bundle",
    ]  # fmt: skip
    assert main([str(word) for word in asked]) == 0
    return read_bundle(folder / "small.bundle")


def test_spectra_that_are_not_changed_are_the_sound_again() -> None:
    analysis, synthesis = Analysis(), Synthesis()
    sound = np.random.default_rng(0).normal(size=20 * HOP_SAMPLES).astype(np.float32)
    again = np.concatenate([synthesis.push(analysis.push(hop)) for hop in sound.reshape(-1, HOP_SAMPLES)])
    assert again[DELAY_SAMPLES:] == pytest.approx(sound[:-DELAY_SAMPLES], abs=1e-5)


def test_offset_removal_is_the_filter_of_the_front_end() -> None:
    pcm = a_voice()[: RATE_HZ // HOP_SAMPLES * HOP_SAMPLES]
    high_pass = HighPass()
    filtered = np.concatenate([high_pass.push(hop) for hop in pcm.reshape(-1, HOP_SAMPLES)])
    assert si_sdr_db(high_passed(pcm.astype(float)), filtered.astype(float)) > 30


def test_denoise_by_the_classic_rule_brings_speech_out_of_noise() -> None:
    voice = a_voice(4.0)
    hiss = np.random.default_rng(5).normal(0, 800, voice.size).astype(np.int16)
    [noisy] = mixed([voice], hiss, 5.0)
    cleaned = undelayed(LogMmse().push, noisy)
    assert cleaned.shape == voice.shape
    assert si_sdr_db(voice.astype(float), cleaned.astype(float)) > 8.0


def test_what_is_measured_on_was_not_learned_from(places: Places) -> None:
    found = find(places, (1.0, 1.1), nothing)
    assert (len(found.held_out.speech), len(found.sources.speech)) == (2, 2 * 6)
    assert (len(found.held_out.noises), [len(noises) for noises in found.sources.noises]) == (1, [2])
    assert [dataset.clips for dataset in found.datasets] == [6, 2]
    assert {dataset.licence for dataset in found.datasets} == {"not stated"}


def test_the_same_seed_mixes_the_same_and_sums_of_spectra_are_spectra_of_sums(places: Places) -> None:
    recipe = load_denoise_recipe("denoise")
    sources = find(places, (1.0,), nothing).sources
    one, same, other = (
        Mixer(recipe.mixing, sources, recipe.training.excerpt_samples, seed).batches(3, 2)
        for seed in (1, 1, 2)
    )
    for heard, clean, cosine in one:
        assert heard.shape == clean.shape == cosine.shape == (3, recipe.training.spectra, 257)
        assert np.abs(cosine).max() <= 1.001
    assert all(
        np.array_equal(a, b) for x, y in zip(one, same, strict=True) for a, b in zip(x, y, strict=True)
    )
    assert not np.array_equal(one[0][0], one[1][0])
    assert not np.array_equal(one[0][0], other[0][0])


def test_a_denoiser_is_trained_packed_and_accepted_by_a_node(made: Bundle) -> None:
    manifest = made.manifest
    assert (manifest.kind, manifest.labels, manifest.frontend_digest) == (
        DENOISE,
        (),
        manifest.files[DENOISER].sha256,
    )
    assert manifest.metrics["parity_db"] > 30
    assert {"denoised_stoi", "noisy_si_sdr_db"} < set(manifest.metrics)
    load_denoiser(made, "0.1.0")


def test_denoise_is_the_same_in_pieces_and_near_float_and_the_bundle_says_so(made: Bundle) -> None:
    said = read_parity(made)
    assert said is not None
    assert said["streamed"]["equal"] == {"1": True, "3": True, "7": True}
    assert said["denoiser"]["float_db"] >= said["denoiser"]["float_db_least"]
    assert any("quantized against float: sound" in line for line in readable(said))


def test_weights_that_fit_no_graph_are_not_exported() -> None:
    with pytest.raises(ConversionError):
        export_denoiser({"dense": np.zeros((257, 8), np.float32)})


def test_a_recipe_says_what_is_wrong_with_it() -> None:
    with pytest.raises(RecipeError, match="network: must be a table"):
        parse_denoise_recipe({"kind": DENOISE})


@pytest.mark.parametrize("option", [["--base", "x"], []])
def test_training_a_denoiser_says_what_it_needs(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["train", "--recipe", "denoise", "--data", str(tmp_path), "--out", str(tmp_path / "x.bundle")]
    assert main([*asked, *option]) == 1
    assert ("--base" if option else "--noise") in capsys.readouterr().err


def test_offset_removal_costs_no_quality_and_leaves_no_mean(shared_data: Path, models: Path) -> None:
    speech = [whole_hops(path) for path in sorted((shared_data / "speech_sentences").glob("*.flac"))[:14:7]]
    noise = noise_of(shared_data / "speech_commands" / "_background_noise_")
    ours = Model(read_bundle(models / "denoise.bundle").files[DENOISER])
    for name in (ours, Classic()):
        plain, *lifted = on_offsets([name], speech, noise, nothing)
        for row in lifted:
            assert row.stoi > plain.stoi - 0.005
            assert row.pesq is None or plain.pesq is None or row.pesq > plain.pesq - 0.02
            assert row.residual is not None
            assert row.residual < 1e-4


def test_denoise_makes_noisy_speech_better(shared_data: Path, models: Path) -> None:
    speech = [whole_hops(path) for path in sorted((shared_data / "speech_sentences").glob("*.flac"))[:14:7]]
    noise = noise_of(shared_data / "speech_commands" / "_background_noise_")
    judge, graph = Judge(), Denoiser(read_bundle(models / "denoise.bundle").files[DENOISER])
    for clean, noisy in zip(speech, mixed(speech, noise, 5.0), strict=True):
        before, after = judge.score(clean, noisy), judge.score(clean, graph.clean(noisy))
        assert before is not None
        assert after is not None
        assert after.si_sdr_db > before.si_sdr_db + 4
        assert after.stoi > before.stoi


def test_the_tables_name_every_denoiser_that_is_there(
    places: Places, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        "evaluate-audio", "--data", places.speech, "--noise", places.noises[0], "--limit", "1",
        "--only", "denoisers", "--denoiser", models / "denoise.bundle", "--json",
    ]  # fmt: skip
    assert main([str(word) for word in asked]) == 0
    rows = json.loads(capsys.readouterr().out)["denoisers"]
    assert {"nothing", "log-MMSE", "Soundpost"} <= {row["name"] for row in rows}
    assert {row["snr_db"] for row in rows} == {0.0, 5.0, 10.0}
