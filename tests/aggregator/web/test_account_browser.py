"""Users, codes and tokens in a real browser, with a picture that the policy of contents lets through."""

import time
from collections.abc import Iterator

import pyotp
import pytest

from tests.aggregator.web.browser import Browser
from tests.aggregator.web.hub import PASSWORD, Hub, Node

PLACES = ["Fleet", "Live", "Detections", "Review", "Data set", "Training", "Releases", "Rollouts", "Arrivals"]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A server with an administrator and one window."""
    made = Hub(tmp_path_factory.mktemp("hub"))
    made.services.accounts.set(PASSWORD)
    node = Node(made, "attic", "Loft")
    node.come()
    node.show("dog", node.hear("dog"))
    made.start()
    yield made
    made.stop()


def test_a_viewer_is_made_and_sees_only_what_is_for_viewers(browser: Browser, hub: Hub) -> None:
    browser.driver.get(f"{hub.address}/users")
    browser.one("input[name=name]").send_keys("Vi")
    browser.one("input[name=password]").send_keys(PASSWORD)
    browser.one("form.stack button").click()
    browser.until(lambda: browser.all("tr[data-user=Vi]"), "the new user")
    browser.sign_in(hub.address, PASSWORD, "Vi")
    assert [place.text for place in browser.all("nav.places a")] == PLACES
    browser.driver.get(f"{hub.address}/detections/1")
    browser.until(lambda: browser.all(".spectrogram img"), "the picture")
    assert browser.all("[data-play]") == []
    assert "Delete" not in browser.text()
    browser.sign_in(hub.address, PASSWORD)


def test_codes_are_set_up_with_a_picture(browser: Browser, hub: Hub) -> None:
    browser.driver.get(f"{hub.address}/account")
    browser.one("form[action='/account/totp'] input[name=password]").send_keys(PASSWORD)
    browser.one("form[action='/account/totp'] button").click()
    browser.until(lambda: browser.all(".qr svg"), "the picture")
    assert browser.one(".qr svg").size["width"] > 150
    ground = browser.run("return getComputedStyle(document.querySelector('.qr path')).fill")
    assert ground == "rgb(255, 255, 255)", "apps read dark on light, also on dark pages"
    secret = browser.text("#codes code")
    app = pyotp.TOTP(secret)
    browser.one("#codes input[name=code]").send_keys(app.now() + "\n")
    browser.until(lambda: "with a code of your app" in browser.text(), "codes")
    browser.driver.get(f"{hub.address}/account")
    browser.one(".leave button").click()
    browser.until(lambda: browser.all("input[name=code]"), "the question for a code")
    browser.one("input[name=name]").send_keys("admin")
    browser.one("input[name=password]").send_keys(PASSWORD)
    browser.one("input[name=code]").send_keys(app.at(time.time() + 30) + "\n")
    browser.until(lambda: browser.text("h1") == "Fleet", "the fleet page")
    hub.services.users.end_totp("admin", "a test")


def test_a_token_is_shown_once(browser: Browser, hub: Hub) -> None:
    browser.driver.get(f"{hub.address}/account")
    browser.one("form[action='/account/tokens'] input[name=name]").send_keys("night export")
    browser.one("form[action='/account/tokens'] button").click()
    browser.until(lambda: browser.all("[data-secret]"), "the token")
    assert browser.text("[data-secret] pre").startswith("soundpost_")
    assert "night export" in browser.text("tr[data-token]")


@pytest.mark.parametrize("path", ["/account", "/users", "/users/Vi", "/sign-in"])
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, hub: Hub, path: str) -> None:
    with browser.as_phone():
        browser.driver.get(hub.address + path)
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
