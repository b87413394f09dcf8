"""Offset removal and denoise, as the node does them: the first two rows of its pipeline."""

from collections.abc import Callable
from pathlib import Path

import cbor2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as untimed
from hypothesis import strategies as st

from contract.audio import HOP_SAMPLES, RATE_HZ
from contract.bundle import read_bundle
from contract.denoise.spectra import DELAY_SAMPLES
from contract.errors import BundleError
from contract.manifest import DENOISER, SELFTEST
from edge_agent.bundles import LoadedBundle, load_bundle
from edge_agent.denoisers import make_denoiser
from edge_agent.denoising import DELAY_S, ClassicDenoiser, Denoiser
from edge_agent.pipeline import Pipeline, Tuning
from edge_agent.settings import DenoiseSettings
from model_build.denoise.bundle import with_denoiser
from tests.edge_agent.agent_process import AgentProcess, run_agent
from tests.edge_agent.conftest import VERSION, Pcm, noise
from tests.edge_agent.test_bundles import changed
from tests.waiting import wait_until


@pytest.fixture(scope="session")
def ours(models: Path) -> Path:
    """The denoiser that the project ships."""
    return models / "denoise.bundle"


@pytest.fixture(scope="module")
def denoiser(ours: Path) -> Denoiser:
    """It, loaded beside a model that holds none."""
    return by_model(ours)


def by_model(path: Path) -> Denoiser:
    made = make_denoiser(DenoiseSettings(on=True, bundle=path), path, VERSION)
    assert made is not None
    return made


@pytest.fixture(params=["model", "classic"])
def either(request: pytest.FixtureRequest, ours: Path) -> Callable[[], Denoiser]:
    return (lambda: by_model(ours)) if request.param == "model" else ClassicDenoiser


def hops(samples: Pcm) -> Pcm:
    return samples[: samples.size // HOP_SAMPLES * HOP_SAMPLES]


def power(samples: Pcm) -> float:
    return float((samples.astype(float) ** 2).mean())


def test_offset_removal_leaves_nothing_of_a_constant(either: Callable[[], Denoiser]) -> None:
    for offset in (0.05, 0.2, -0.9):
        made = either().feed(np.full(RATE_HZ, round(offset * 32768), np.int16))
        assert not made.any()


def test_offset_removal_changes_no_sound(either: Callable[[], Denoiser]) -> None:
    sound = hops(noise(2.0, level=200))
    plain, lifted = either().feed(sound), either().feed(sound + np.int16(6554))
    assert abs(float(lifted.mean())) / 32768 < 1e-4
    assert power(lifted - plain) < 1e-3 * power(plain)


def test_denoise_takes_off_steady_noise_and_keeps_the_length(either: Callable[[], Denoiser]) -> None:
    hiss = np.random.default_rng(1).normal(0, 300, 3 * RATE_HZ).astype(np.int16)
    made = either().feed(hops(hiss))
    assert made.dtype == np.int16
    assert made.size == hops(hiss).size
    assert power(made[RATE_HZ:]) < 0.1 * power(hiss)


@given(cuts=st.lists(st.integers(1, 20), min_size=1, max_size=6))
@untimed(max_examples=10)
def test_denoise_streamed_equals_denoise_in_one_piece(denoiser: Denoiser, cuts: list[int]) -> None:
    for each in (denoiser, ClassicDenoiser()):
        sound = noise(sum(cuts) * HOP_SAMPLES / RATE_HZ)
        each.reset()
        whole = each.feed(sound)
        each.reset()
        pieces = np.split(sound, np.cumsum(cuts)[:-1] * HOP_SAMPLES)
        assert np.array_equal(np.concatenate([each.feed(piece) for piece in pieces]), whole)


def test_a_denoiser_goes_on_where_another_one_is(either: Callable[[], Denoiser]) -> None:
    one, other, sound = either(), either(), hops(noise(1.0))
    one.feed(sound)
    other.follow(one)
    assert np.array_equal(other.feed(sound), one.feed(sound))


def test_none_is_made_unless_it_is_asked_for(ours: Path, keywords: Path) -> None:
    assert make_denoiser(DenoiseSettings(), ours, VERSION) is None
    assert make_denoiser(DenoiseSettings(on=True), keywords, VERSION).name == "log-MMSE"  # type: ignore[union-attr]


def test_a_model_may_bring_its_own_denoiser(ours: Path, keywords: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.bundle"
    both.write_bytes(with_denoiser(read_bundle(keywords), read_bundle(ours)))
    made = make_denoiser(DenoiseSettings(on=True), both, VERSION)
    assert made is not None
    assert made.name.startswith("keywords@")
    assert (
        load_bundle(both, VERSION).manifest.frontend_digest == read_bundle(keywords).manifest.frontend_digest
    )


def test_a_bundle_without_a_denoiser_is_refused_as_one(keywords: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no denoise\.tflite"):
        make_denoiser(DenoiseSettings(on=True, bundle=keywords), keywords, VERSION)


def test_a_denoiser_is_refused_as_a_model(ours: Path) -> None:
    with pytest.raises(BundleError, match="nothing that recognises"):
        load_bundle(ours, VERSION)


def test_a_bad_denoiser_is_refused(ours: Path, tmp_path: Path) -> None:
    bundle = read_bundle(ours)
    vectors = cbor2.loads(bundle.files[SELFTEST])
    other = np.frombuffer(vectors["denoised"], "<i2") // 2
    cases = {
        "is only": {SELFTEST: cbor2.dumps(vectors | {"denoised": other.astype("<i2").tobytes()})},
        "not readable": {SELFTEST: b"\xff"},
        "denoised_least_db": {SELFTEST: cbor2.dumps({"pcm": b"ab", "denoised": b"ab"})},
        "holds no sound": {SELFTEST: cbor2.dumps(vectors | {"denoised": b"ab"})},
        "the runtime refuses": {DENOISER: b"no model"},
    }
    for reason, files in cases.items():
        path = changed(ours, tmp_path / "bad.bundle", {}, {**bundle.files, **files})
        with pytest.raises(BundleError, match=reason):
            by_model(path)


def test_the_pipeline_hears_denoised_sound_at_the_time_it_was_captured(
    bundle: LoadedBundle, denoiser: Denoiser
) -> None:
    denoiser.reset()
    plain, quiet = Pipeline(bundle, Tuning(thresholds={})), Pipeline(bundle, Tuning(thresholds={}), denoiser)
    sound = np.random.default_rng(2).normal(0, 300, 4 * RATE_HZ).astype(np.int16)
    loud, soft = (pipeline.feed(sound, 4.0) for pipeline in (plain, quiet))
    assert [step.end_s - DELAY_S for step in loud] == pytest.approx([step.end_s for step in soft])
    assert [step.level_dbfs for step in loud] == [step.level_dbfs for step in soft]
    assert soft[-1].frames.mean() < loud[-1].frames.mean() - 10
    assert pytest.approx(DELAY_SAMPLES / RATE_HZ) == DELAY_S


def test_the_agent_runs_with_denoise_on(
    ours: Path, keywords: Path, tmp_path: Path, make_wav: Callable[..., Path]
) -> None:
    make_wav("sound.wav", seconds=3)
    agent = AgentProcess(
        tmp_path, "--model-bundle", keywords, "--broker-host", "", "--input-source", "files",
        "--input-path", tmp_path / "sounds", "--input-pace", "fast",
        "--denoise-on", "true", "--denoise-bundle", ours,
    )  # fmt: skip
    try:
        wait_until(lambda: agent.process.poll() is not None, timeout_s=60)
        assert agent.process.returncode == 0, agent.log.read_text()
        [started], [ended] = agent.lines("started"), agent.lines("stopped")
        assert started["denoise"].startswith("denoise@")
        assert ended["heard_s"] == pytest.approx(3, abs=0.3)
    finally:
        agent.kill()


def test_check_says_what_is_wrong_with_the_denoiser(keywords: Path) -> None:
    told = run_agent(
        "check", "--model-bundle", keywords, "--broker-host", "", "--input-source", "stdin",
        "--denoise-on", "true", "--denoise-bundle", keywords,
    )  # fmt: skip
    assert "PROBLEM denoise" in told.stdout
    assert "holds no denoise.tflite" in told.stdout
