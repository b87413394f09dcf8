"""Talking back from a browser: its microphone (Chromium's made-up one) to a node's loudspeaker (a file)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium.webdriver import ActionChains, Keys

from aggregator.domain.talking import OFF, PEOPLE
from tests.aggregator.web.browser import Browser
from tests.broker import Mosquitto
from tests.system.live_world import NODE, PASSWORD, LiveWorld
from tests.system.voice_fleet import a_voice, loud_seconds, pitch_hz
from tests.waiting import wait_until

BROWSER_RATE_HZ = 48_000
PITCH_HZ = 150


class TalkingWorld(LiveWorld):
    """Its node plays into a file what somebody says."""

    played: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[TalkingWorld]:
    folder = tmp_path_factory.mktemp("talk")
    broker = Mosquitto(folder)
    broker.start()
    played = folder / "played.wav"
    made = TalkingWorld(
        folder, broker, models / "keywords.bundle", np.zeros(16_000, np.int16),
        "--talk-allowed", "true", "--talk-output", "file", "--talk-path", str(played),
    )  # fmt: skip
    made.played = played
    try:
        made.start()
        yield made
    finally:
        made.stop()
        broker.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, world: TalkingWorld) -> Iterator[Browser]:
    """Whose microphone hears a voice all the time, and which asks nobody whether it may."""
    folder = tmp_path_factory.mktemp("browser")
    voice = np.interp(
        np.arange(10 * BROWSER_RATE_HZ) / 3, np.arange(10 * 16_000), a_voice(10.0, PITCH_HZ)
    ).astype(np.int16)
    soundfile.write(folder / "voice.wav", voice, BROWSER_RATE_HZ)
    made = Browser(
        folder / "profile", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={folder / 'voice.wav'}",
    )  # fmt: skip
    made.sign_in(world.address, PASSWORD)
    yield made
    assert made.complaints() == []
    made.driver.quit()


@pytest.fixture
def talk(world: TalkingWorld, browser: Browser) -> Browser:
    """The node's page, where people may talk."""
    world.services.talk.allow(NODE, PEOPLE, "Ada")
    world.played.unlink(missing_ok=True)
    browser.driver.get(f"{world.address}/nodes/{NODE}")
    return browser


def state(browser: Browser) -> str:
    said: str | None = browser.one("[data-talk]").get_attribute("data-state")
    return said or ""


def played_packets(browser: Browser) -> int:
    return int(browser.one("[data-talk]").get_attribute("data-played") or 0)


def test_talk_back_from_the_browser(talk: Browser, world: TalkingWorld) -> None:
    """Held, it is heard; let go, it ends; delay and loss are shown; it is recorded."""
    ActionChains(talk.driver).click_and_hold(talk.one("[data-hold]")).perform()
    talk.until(lambda: state(talk) == "talking", "the turn")
    talk.until(lambda: played_packets(talk) > 80, "two seconds to be played")
    assert talk.text("[data-said]") == "You are heard"
    for name, unit in (("delay", "ms"), ("lost", "%"), ("waiting", "ms")):
        assert talk.text(f"[data-figure={name}]").endswith(unit)
    ActionChains(talk.driver).release().perform()
    talk.until(lambda: state(talk) == "off", "the end of the turn")
    sound, _ = soundfile.read(world.played, dtype="int16")
    assert loud_seconds(sound) > 1.5
    assert pitch_hz(sound[16_000:]) == pytest.approx(PITCH_HZ, abs=3)
    talked = [entry for entry in world.services.audit.newest() if entry.action == "talked"]
    assert talked[0].details["node"] == NODE
    assert talked[0].details["seconds"] > 1


def test_it_is_held_by_key_too(talk: Browser, world: TalkingWorld) -> None:
    talk.run("document.querySelector('[data-hold]').focus()")
    ActionChains(talk.driver).key_down(Keys.SPACE).perform()
    talk.until(lambda: state(talk) == "talking", "the turn")
    ActionChains(talk.driver).key_up(Keys.SPACE).perform()
    talk.until(lambda: state(talk) == "off", "the end of the turn")


def test_who_is_no_longer_allowed_is_told_so(talk: Browser, world: TalkingWorld) -> None:
    ActionChains(talk.driver).click_and_hold(talk.one("[data-hold]")).perform()
    talk.until(lambda: state(talk) == "talking", "the turn")
    talk.run("document.querySelector('form[action$=talking] [value=off]').click()")
    with_form = "document.querySelector('form[action$=talking]')"
    talk.run(f"fetch({with_form}.action, {{method: 'POST', body: new FormData({with_form})}})")
    talk.until(lambda: talk.text("[data-said]") == "It is no longer allowed.", "the reason")
    ActionChains(talk.driver).release().perform()
    assert world.services.talk.node(NODE).level == OFF
    talk.driver.refresh()
    assert talk.all("[data-hold]") == []
    assert "Nobody may talk to attic until that is allowed" in talk.text()


def test_it_is_beside_listening(talk: Browser, world: TalkingWorld) -> None:
    """Who listens does not hear what the node itself plays: its microphone is silent meanwhile."""
    talk.driver.get(f"{world.address}/nodes/{NODE}/listen")
    assert talk.all("[data-listen]"), talk.text() + str(talk.complaints())
    ActionChains(talk.driver).click_and_hold(talk.one("[data-hold]")).perform()
    talk.until(lambda: state(talk) == "talking", "the turn")
    ActionChains(talk.driver).release().perform()
    talk.until(lambda: state(talk) == "off", "the end of the turn")
    wait_until(world.played.exists, "it was played")
