"""Live listening from end to end: a node that hears, a broker, an aggregator, and whoever listens."""

import base64
import io
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import wave
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aggregator.settings import as_environment
from tests.aggregator.web.browser import Browser
from tests.broker import Mosquitto
from tests.system.live_world import NODE, PASSWORD, RATE_HZ, LiveWorld, Pcm, tone
from tests.waiting import wait_until

TONE_HZ = 440.0
SPECTRUM = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...more) {
  if (target instanceof AudioDestinationNode) window.tapped = this;
  return connect.call(this, target, ...more);
};
window.loudest = () => {
  const levels = new Float32Array(tapped.frequencyBinCount);
  tapped.getFloatFrequencyData(levels);
  const bin = levels.indexOf(Math.max(...levels));
  return [(bin * tapped.context.sampleRate) / tapped.fftSize, levels[bin]];
};
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[LiveWorld]:
    """A node that hears a tone, with a light that says whether somebody listens."""
    folder = tmp_path_factory.mktemp("live")
    (folder / "broker").mkdir()
    broker = Mosquitto(folder / "broker")
    broker.start()
    made = LiveWorld(
        folder, broker, models / "keywords.bundle", tone(4.0, TONE_HZ), "--live-indicator-file",
        str(folder / "light"),
    )  # fmt: skip
    try:
        made.start()
        yield made
    finally:
        made.stop()
        broker.stop()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    made = Browser(tmp_path / "profile")
    yield made
    made.driver.quit()


def loudest_hz(sound: Pcm) -> float:
    return float(np.abs(np.fft.rfft(sound)).argmax() * RATE_HZ / len(sound))


def light(world: LiveWorld) -> str:
    return (world.folder / "light").read_text().strip()


def written(world: LiveWorld) -> list[tuple[str, str]]:
    return [(one.who, one.action) for one in world.services.audit.newest()]


class Reader:
    """A program with the cookie of a session."""

    def __init__(self, world: LiveWorld) -> None:
        self._address = world.address
        self._door = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        with self._door.open(f"{self._address}/sign-in") as page:
            token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
        assert token is not None
        self.post("/sign-in", csrf_token=token[1], password=PASSWORD)

    def post(self, path: str, **form: str) -> None:
        self._door.open(f"{self._address}{path}", urllib.parse.urlencode(form).encode()).close()

    def get(self, path: str) -> Any:
        return self._door.open(f"{self._address}{path}")


def test_live_streaming_into_a_browser(world: LiveWorld, browser: Browser) -> None:
    """PCM comes through a WebSocket, an AudioWorklet plays it, and the page says how that goes."""
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SPECTRUM})
    browser.sign_in(world.address, PASSWORD)
    browser.driver.get(f"{world.address}/nodes/{NODE}/listen")
    assert light(world) == "0"
    browser.one("[data-go]").click()
    browser.until(lambda: browser.text("[data-said]") == "Live", "sound")
    browser.until(lambda: abs(browser.run("return loudest()")[0] - TONE_HZ) < 50, "the tone")
    assert light(world) == "1"

    def figure(name: str) -> str:
        return browser.text(f"[data-figure={name}]")

    browser.until(lambda: "kbit" in figure("wire"), "the figures")
    payload, wire = (float(figure(name).split()[0]) for name in ("payload", "wire"))
    assert 0 < payload < wire
    browser.until(lambda: figure("listeners") == "1", "the number of listeners")
    newest = "document.querySelector('canvas').getContext('2d').getImageData(790, 0, 1, 256).data"
    browser.until(lambda: browser.run(f"return new Set({newest}).size") > 20, "the picture")
    browser.one("[data-go]").click()
    wait_until(lambda: light(world) == "0", "the light to go out")
    wait_until(lambda: ("admin", "listened live") in written(world), "the record")
    assert browser.complaints() == []


def test_listening_begins_anew_with_other_choices(world: LiveWorld, browser: Browser) -> None:
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SPECTRUM})
    browser.sign_in(world.address, PASSWORD)
    browser.driver.get(f"{world.address}/nodes/{NODE}/listen")
    browser.one("[data-go]").click()
    browser.until(lambda: browser.text("[data-said]") == "Live", "sound")
    browser.run(
        "const s = document.querySelector('[name=codec]'); s.value = '8k';"
        "s.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    wait_until(lambda: "codec=8k" in world.said_by_node(), "the other codec")
    browser.until(lambda: browser.text("[data-said]") == "Live", "sound again")
    world.services.listening.allow(NODE, "off", "the test")
    # By another process than the dashboard's, which notices it after some seconds.
    browser.until(lambda: "no longer listen" in browser.text("[data-said]"), "the end")
    browser.driver.refresh()
    assert "Nobody may listen" in browser.text("main")
    world.services.listening.allow(NODE, "features", "the test")


def test_network_output_plays_in_what_reads_wav(world: LiveWorld) -> None:
    reader = Reader(world)
    with reader.get(f"/nodes/{NODE}/stream.wav") as stream:
        assert stream.headers["Content-Type"] == "audio/wav"
        content = stream.read(44 + 4 * RATE_HZ)
    assert content[:4] + content[8:12] == b"RIFFWAVE"
    assert loudest_hz(np.frombuffer(content[44 + 2 * RATE_HZ :], "<i2")) == pytest.approx(TONE_HZ, abs=10)
    wait_until(lambda: light(world) == "0", "the light to go out")


def test_nobody_listens_who_has_not_signed_in(world: LiveWorld) -> None:
    for path in ("stream.wav", "sound", "listen"):
        request = urllib.request.Request(
            f"{world.address}/nodes/{NODE}/{path}",
            headers={"Sec-Fetch-Dest": "audio", "Upgrade": "websocket" if path == "sound" else "h"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code in (401, 404)
        refused.value.close()


def test_no_page_of_another_site_listens(world: LiveWorld) -> None:
    reader = Reader(world)
    request = urllib.request.Request(
        f"{world.address}/nodes/{NODE}/sound",
        headers={
            "Origin": "http://evil.example", "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(), "Sec-WebSocket-Version": "13",
        },
    )  # fmt: skip
    with pytest.raises(urllib.error.HTTPError) as refused:
        reader._door.open(request)
    assert refused.value.code == 403
    refused.value.close()


def stream(world: LiveWorld, out: str, *more: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "aggregator", "stream", NODE, "--out", out, "--seconds", "2", *more],
        env=as_environment(world.settings) | {"PATH": "/usr/bin", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True, timeout=90, check=False,
    )  # fmt: skip


def test_file_output_of_a_live_stream(world: LiveWorld, tmp_path: Path) -> None:
    path = tmp_path / "attic.wav"
    done = stream(world, str(path), "--by", "Ada")
    assert done.returncode == 0, done.stderr.decode()
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert len(sound) > 1.5 * RATE_HZ
    assert loudest_hz(sound) == pytest.approx(TONE_HZ, abs=10)
    assert ("Ada", "listened live") in written(world)
    wait_until(lambda: light(world) == "0", "the light to go out")


def test_network_output_into_a_pipe(world: LiveWorld) -> None:
    done = stream(world, "-", "--codec", "8k", "--packet-ms", "60")
    assert done.returncode == 0, done.stderr.decode()
    content = io.BytesIO(done.stdout).getvalue()
    assert content[:4] == b"RIFF"
    assert loudest_hz(np.frombuffer(content[44:], "<i2")) == pytest.approx(TONE_HZ, abs=10)


def test_opus_is_refused_unless_it_was_allowed(world: LiveWorld) -> None:
    done = stream(world, "-", "--codec", "opus")
    assert done.returncode == 1
    assert b"only sound made again from features" in done.stderr
