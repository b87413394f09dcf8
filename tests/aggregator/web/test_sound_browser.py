"""Hearing what nodes heard, in a browser, over the real server and database; and what the server answers."""

import io
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
import soundfile

from tests.aggregator.web.browser import Browser
from tests.aggregator.web.hub import PASSWORD, Hub, Node


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A server with two detections; of one, no window came."""
    made = Hub(tmp_path_factory.mktemp("hub"))
    try:
        made.services.accounts.set(PASSWORD)
        attic = Node(made, "attic", "Loft")
        attic.come()
        attic.show("dog", attic.hear("dog"))
        attic.hear("rain", ago_s=300)
        made.start()
        yield made
    finally:
        made.stop()


def begin(browser: Browser, address: str) -> None:
    """Open a page, and remember the sounds that it makes."""
    browser.driver.get(address)
    browser.run(
        "window.heard = []; const play = Audio.prototype.play;"
        "Audio.prototype.play = function () { window.heard.push(this); return play.call(this); }"
    )


def state(browser: Browser) -> str | None:
    said: str | None = browser.one("[data-play]").get_attribute("data-state")
    return said


def test_a_detection_is_played_to_its_end(browser: Browser, hub: Hub) -> None:
    begin(browser, f"{hub.address}/detections/1")
    browser.one("[data-play]").click()
    browser.until(lambda: state(browser) == "playing", "the sound to begin")
    browser.until(lambda: browser.run("return heard[0].currentTime > 0.1"), "the sound to go on")
    line = "parseFloat(document.querySelector('.playhead line').getAttribute('x1'))"
    browser.until(
        lambda: 0 < browser.run(f"return {line}") <= 100, "the line to move through the spectrogram"
    )
    assert browser.run("return heard[0].duration") == pytest.approx(3, abs=0.1)
    browser.run("heard[0].currentTime = heard[0].duration - 0.05")
    browser.until(lambda: state(browser) == "stopped", "the sound to end")
    assert browser.all(".playhead") == []


def test_a_second_press_stops_it(browser: Browser, hub: Hub) -> None:
    begin(browser, f"{hub.address}/detections/1")
    button = browser.one("[data-play]")
    button.click()
    browser.until(lambda: browser.run("return heard[0].currentTime > 0"), "the sound to begin")
    button.click()
    browser.until(lambda: state(browser) == "stopped", "the sound to stop")
    assert browser.run("return heard[0].paused")


def test_only_rows_that_have_a_window_can_be_played(browser: Browser, hub: Hub) -> None:
    begin(browser, f"{hub.address}/detections")
    rows = {one.get_attribute("href").rsplit("/")[-1]: one for one in browser.all(".heard .play")}
    assert {name: one.is_displayed() for name, one in rows.items()} == {"1.wav": True, "2.wav": False}
    rows["1.wav"].click()
    browser.until(lambda: browser.run("return heard[0]?.currentTime > 0"), "the sound to begin")
    assert browser.text("h1") == "Detections", "the button is no link to the detection"


def test_a_card_is_played_by_key_and_falls_silent_when_answered(browser: Browser, hub: Hub) -> None:
    begin(browser, f"{hub.address}/review")
    browser.until(lambda: browser.all("[data-card]"), "a card")
    browser.driver.switch_to.active_element.send_keys("p")
    browser.until(lambda: browser.run("return heard[0]?.currentTime > 0"), "the sound to begin")
    browser.driver.switch_to.active_element.send_keys("s")
    browser.until(lambda: browser.run("return heard[0].paused"), "the sound to stop")


def fetch(hub: Hub, browser: Browser | None, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """What the server answers, with the browser's session or without one."""
    if browser:
        cookie = browser.driver.get_cookie("soundpost")
        assert cookie
        headers["Cookie"] = f"soundpost={cookie['value']}"
    asked = urllib.request.Request(hub.address + path, headers=headers)
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def test_files_are_for_people_who_signed_in(browser: Browser, hub: Hub) -> None:
    for path in (
        "/api/v1/windows/1/audio.wav",
        "/api/v1/detections/1/audio.flac",
        "/api/v1/nodes/attic/audio.wav",
    ):
        assert fetch(hub, None, path)[0] == 401
    answer, headers, _ = fetch(hub, None, "/windows/1.wav", **{"Sec-Fetch-Dest": "audio"})
    assert (answer, headers["Content-Type"]) == (401, "application/problem+json")


def test_files_come_whole_and_in_parts(browser: Browser, hub: Hub) -> None:
    status, headers, content = fetch(hub, browser, "/windows/1.wav?download=1")
    assert status == 200
    assert headers["Content-Type"] == "audio/wav"
    assert headers["Content-Disposition"].startswith("attachment; filename=attic_dog_")
    assert headers["Cache-Control"] == "no-store"
    assert soundfile.info(io.BytesIO(content)).samplerate == 16_000
    status, headers, part = fetch(hub, browser, "/windows/1.wav", Range="bytes=100-199")
    assert (status, part) == (206, content[100:200])
    _, headers, content = fetch(hub, browser, "/api/v1/detections/1/audio.flac")
    assert (headers["Content-Type"], content[:4]) == ("audio/flac", b"fLaC")


def test_a_span_is_a_file(browser: Browser, hub: Hub) -> None:
    window = hub.services.detections.window(1)
    assert window is not None
    span = f"since={window.start_s - 1}&until={window.start_s + 1}"
    _, _, content = fetch(hub, browser, f"/api/v1/nodes/attic/audio.wav?{span}")
    assert soundfile.info(io.BytesIO(content)).duration == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/windows/99/audio.wav", 404),
        ("/api/v1/detections/2/audio.wav", 404),
        ("/api/v1/windows/1/audio.mp3", 404),
        ("/api/v1/nodes/barn/audio.wav?since=0&until=10", 404),
        ("/api/v1/nodes/attic/audio.wav?since=0&until=10", 400),
        ("/api/v1/nodes/attic/audio.wav?since=0&until=10000", 400),
        ("/api/v1/nodes/attic/audio.wav?since=0", 400),
        ("/api/v1/nodes/attic/audio.wav?since=soon&until=1", 400),
    ],
)
def test_what_cannot_be_heard_is_refused(browser: Browser, hub: Hub, path: str, status: int) -> None:
    assert fetch(hub, browser, path)[0] == status


def test_each_export_is_named_in_the_audit_log(browser: Browser, hub: Hub) -> None:
    fetch(hub, browser, "/windows/1.flac")
    browser.driver.get(f"{hub.address}/audit")
    assert "window 1" in browser.driver.find_element("tag name", "main").text
    entry = hub.services.audit.newest()[0]
    assert (entry.action, entry.details["what"]) == ("listen", "window 1")
