import io

import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aggregator.web.colours import palette
from aggregator.web.spectrogram import SIZES, decibels, draw, level_span
from contract.audio import MEL_BINS
from tests.aggregator.web import sounds

# How people without green-sensitive or red-sensitive cones see linear RGB (Machado 2009, severity 1).
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def linear(colours: np.ndarray) -> np.ndarray:
    shares = colours / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def shades(png: bytes) -> np.ndarray:
    """Positions in the colour map, (height, width)."""
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize(
    "eyes", [np.eye(3), DEUTERANOPIA, PROTANOPIA], ids=["all", "deuteranopia", "protanopia"]
)
def test_louder_is_lighter_to_every_eye(eyes: np.ndarray) -> None:
    luminance = np.clip(linear(palette()) @ eyes.T, 0, None) @ LUMINANCE
    coarse = luminance[::4]
    assert (np.diff(coarse) > 0).all()


def test_equal_steps_look_equal() -> None:
    luminance = linear(palette()) @ LUMINANCE
    lightness = np.cbrt(luminance[::16])
    steps = np.diff(lightness)
    assert steps.min() > 0.5 * steps.mean()
    assert steps.max() < 1.6 * steps.mean()


def test_the_map_reaches_from_dark_to_light() -> None:
    luminance = linear(palette()) @ LUMINANCE
    assert luminance[0] < 0.02
    assert luminance[-1] > 0.85


@pytest.mark.parametrize("size", SIZES)
def test_time_runs_right_and_frequency_up(size: str) -> None:
    features = np.full((100, MEL_BINS), -128, np.int8)
    features[75:85, 8:12] = 100
    picture = shades(draw(features, size))
    rows, columns = np.nonzero(picture > 200)
    height, width = picture.shape
    assert 0.74 < columns.mean() / width < 0.86
    assert rows.mean() / height == pytest.approx(1 - 10 / MEL_BINS, abs=0.02)


def test_decibels_are_those_of_the_contract() -> None:
    np.testing.assert_array_equal(decibels(np.array([[111, -128, 127]], np.int8)), [[0.0, -119.5, 8.0]])


def test_noise_alone_is_not_stretched_to_full_contrast() -> None:
    features = np.random.default_rng(1).integers(-20, -14, (100, MEL_BINS)).astype(np.int8)
    span = level_span(decibels(features))
    assert span.high_db - span.low_db >= 36


def test_digital_silence_does_not_wash_out_the_rest() -> None:
    sound = sounds.features("dog")
    cut = np.concatenate([sound, np.full_like(sound[:60], -128)])
    assert level_span(decibels(cut)) == level_span(decibels(sound))
    nothing = level_span(decibels(np.full((10, MEL_BINS), -128, np.int8)))
    assert nothing.high_db - nothing.low_db >= 36


@given(frames=st.integers(1, 1500), seed=st.integers(0, 99))
def test_every_window_can_be_drawn(frames: int, seed: int) -> None:
    features = np.random.default_rng(seed).integers(-128, 128, (frames, MEL_BINS)).astype(np.int8)
    picture = Image.open(io.BytesIO(draw(features, "thumb")))
    assert picture.size == (240, 80)


def test_pictures_are_small() -> None:
    for sound in sounds.SOUNDS:
        assert len(draw(sounds.features(sound), "thumb")) < 25_000
        assert len(draw(sounds.features(sound), "full")) < 300_000


def test_pictures_are_kept_by_the_browser(client: FlaskClient) -> None:
    for path in ("/windows/1.png", "/windows/1.png?size=thumb", "/windows/scale.png"):
        first = client.get(path)
        assert first.mimetype == "image/png"
        assert "immutable" in first.headers["Cache-Control"]
        assert "private" in first.headers["Cache-Control"]
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304
    assert client.get("/windows/1.png?size=huge").status_code == 400
