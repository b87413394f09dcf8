"""What a browser's microphone hears, at our rate: pitch and level stay, what would fold is gone."""

import functools
import http.server
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.aggregator.web.browser import Browser
from tests.aggregator.web.test_playout import STATIC, Quiet

RUN = """
const done = arguments[arguments.length - 1];
const [rate, hz, piece] = arguments;
import("/resample.js").then(({ Resample }) => {
  const resample = new Resample(rate), made = [];
  const wave = Float32Array.from({ length: rate }, (_, at) => 0.5 * Math.sin(2 * Math.PI * hz * at / rate));
  for (let at = 0; at < wave.length; at += piece) made.push(...resample.push(wave.subarray(at, at + piece)));
  done(made);
});
"""


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Browser]:
    """A page from which our modules can be imported."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(STATIC))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chromium.driver.set_script_timeout(60)
    chromium.driver.get(f"http://127.0.0.1:{server.server_port}/icon.svg")
    yield chromium
    server.shutdown()
    server.server_close()


def heard(page: Browser, rate: int, hz: float, piece: int = 128) -> NDArray[np.float64]:
    return np.array(page.driver.execute_async_script(RUN, rate, hz, piece))


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000, 96_000])
def test_a_tone_keeps_its_pitch_and_level(page: Browser, rate: int) -> None:
    sound = heard(page, rate, 1000)
    assert sound.size == pytest.approx(16_000, abs=40)
    inner = sound[1000:-1000]
    times = np.arange(1000, 1000 + inner.size) / 16_000
    assert np.abs(inner - 0.5 * np.sin(2 * np.pi * 1000 * times)).max() < 0.01


@pytest.mark.parametrize("hz", [10_000, 15_000, 20_000])
def test_what_the_lower_rate_cannot_hold_is_not_heard_as_something_else(page: Browser, hz: float) -> None:
    assert np.abs(heard(page, 48_000, hz)[1000:-1000]).max() < 0.01


def test_pieces_of_any_length_give_the_same(page: Browser) -> None:
    whole = heard(page, 44_100, 440, 44_100)
    assert np.allclose(heard(page, 44_100, 440, 37), whole, atol=1e-6)
