"""The dashboard in a browser, over the real server and database."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from contract.sampling import Sampling
from tests.aggregator.web.browser import PHONE, Browser
from tests.aggregator.web.hub import PASSWORD, Hub, Node


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A server with a password and one node that was heard."""
    made = Hub(tmp_path_factory.mktemp("hub"))
    try:
        made.services.accounts.set(PASSWORD)
        attic = Node(made, "attic", "Loft")
        attic.come()
        attic.beat(-42.0)
        attic.show("dog", attic.hear("dog"))
        attic.miss("input_lost", 30.0, ago_s=600)
        made.start()
        yield made
    finally:
        made.stop()


def forget(browser: Browser, hub: Hub) -> None:
    """Lose the session, on a page that asks for nothing."""
    browser.driver.get(f"{hub.address}/healthz")
    browser.driver.delete_all_cookies()


@pytest.fixture
def browser(chromium: Browser, hub: Hub) -> Iterator[Browser]:
    """Signed in; no test may leave complaints in the console."""
    forget(chromium, hub)
    chromium.complaints()
    chromium.sign_in(hub.address, PASSWORD)
    yield chromium
    assert chromium.complaints() == []


def test_a_wrong_password_stays_outside(browser: Browser, hub: Hub) -> None:
    forget(browser, hub)
    browser.driver.get(f"{hub.address}/live")
    assert browser.text("h1") == "Sign in"
    browser.one("input[name=password]").send_keys("wrong guess\n")
    browser.until(lambda: "not the password" in browser.text(), "a refusal")
    # The browser itself notes the refusal's status 403 in its console.
    assert [line for line in browser.complaints() if "403" not in line] == []
    browser.one("input[name=password]").send_keys(PASSWORD + "\n")
    browser.until(lambda: browser.text("h1") == "Live", "the page that was asked for")


def test_signing_out_shuts_the_door(browser: Browser, hub: Hub) -> None:
    browser.one(".leave button").click()
    browser.until(lambda: browser.text("h1") == "Sign in", "the door")
    browser.driver.get(f"{hub.address}/")
    assert browser.text("h1") == "Sign in"


def test_nodes_come_and_go(browser: Browser, hub: Hub) -> None:
    marked = browser.run("document.body.dataset.sameDocument = 'yes'; return true")
    assert marked
    shed = Node(hub, "shed", "Garden")
    shed.come()
    shed.beat(-30.0)
    browser.until(lambda: "online" in browser.text("[data-node=shed] .status"), "the node")
    browser.until(lambda: "−30 dB" in browser.text("[data-node=shed] .level"), "its level")
    assert browser.run("return [...document.querySelectorAll('[data-node]')].map(c => c.dataset.node)") == [
        "attic",
        "shed",
    ]
    shed.beat(-12.0, problems=("the disk is nearly full",))
    browser.until(lambda: "−12 dB" in browser.text("[data-node=shed] .level"), "its new level")
    browser.until(lambda: "the disk is nearly full" in browser.text("[data-node=shed]"), "its problem")
    shed.show("rain", shed.hear("rain"))
    browser.until(lambda: browser.all("[data-node=shed] .card-last img"), "what it heard")
    assert browser.text("[data-node=shed] .card-last strong") == "rain"
    shed.go()
    browser.until(lambda: "offline" in browser.text("[data-node=shed] .status"), "its leave")
    assert browser.run("return document.body.dataset.sameDocument") == "yes", "nothing was reloaded"


def test_a_detection_arrives_without_reloading_and_opens(browser: Browser, hub: Hub) -> None:
    browser.one("a[href='/live']").click()
    browser.until(lambda: browser.text("h1") == "Live", "the page")
    browser.run("document.body.dataset.sameDocument = 'yes'")
    node = Node(hub, "porch")
    node.come()
    sequence = node.hear("siren", 0.97)
    browser.until(lambda: "siren" in browser.text(".heard:first-child"), "the detection")
    assert browser.all(".heard:first-child .thumb-waits"), "its features have not come yet"
    node.show("siren", sequence)
    browser.until(lambda: browser.all(".heard:first-child img.thumb"), "its thumbnail")
    browser.until(
        lambda: "siren on porch" in browser.one("[data-announce]").get_attribute("textContent"), "words"
    )
    assert browser.run("return document.body.dataset.sameDocument") == "yes"
    browser.one(".heard:first-child .heard-label").click()
    browser.until(lambda: browser.text("h1") == "siren", "the detection's page")
    picture = "document.querySelector('.spectrogram img')"
    browser.until(
        lambda: browser.run(f"return {picture}.complete && {picture}.naturalWidth > 600"), "spectrogram"
    )
    assert "kHz" in browser.text(".plot")
    plots = browser.run(
        "return ['.spectrogram', '.lane', '.axis-flat'].map(s => document.querySelector(s))"
        ".map(e => e.getBoundingClientRect()).map(r => [r.left, r.right])"
    )
    assert plots[0] == plots[1] == plots[2], "spectrogram, posterior and time axis share one scale"


def test_a_waiting_page_shows_its_spectrogram_by_itself(browser: Browser, hub: Hub) -> None:
    node = Node(hub, "cellar")
    node.come()
    sequence = node.hear("rain")
    newest = hub.services.detections.newest(1)[0]
    browser.driver.get(f"{hub.address}/detections/{newest.id}")
    assert "No spectrogram yet" in browser.text()
    node.show("rain", sequence)
    browser.until(lambda: browser.all(".spectrogram img"), "the spectrogram")


def test_pause_holds_what_comes(browser: Browser, hub: Hub) -> None:
    browser.driver.get(f"{hub.address}/live")
    browser.one("[data-pause]").click()
    before = len(browser.all(".heard"))
    node = Node(hub, "barn")
    node.come()
    node.hear("dog")
    node.hear("chirping_birds")
    browser.until(lambda: browser.text("[data-pause]") == "Resume, 2 new", "the count")
    assert len(browser.all(".heard")) == before
    browser.one("[data-pause]").click()
    browser.until(lambda: len(browser.all(".heard")) == before + 2, "what was held")
    assert "chirping birds" in browser.text(".heard:first-child")


def test_the_list_is_filtered_in_the_readers_own_time(browser: Browser, hub: Hub) -> None:
    browser.driver.get(f"{hub.address}/detections")
    browser.one("select[name=label] option[value=dog]").click()
    browser.run("document.querySelector('[name=since]').value = '2020-01-01T00:00'")
    browser.one(".filter button").click()
    browser.until(lambda: "label=dog" in browser.driver.current_url, "the filter")
    assert "since=2020" in browser.driver.current_url
    assert "node=" not in browser.driver.current_url, "what was not asked for is not in the address"
    assert {label.text for label in browser.all(".heard-label")} == {"dog"}


def test_a_policy_is_changed_on_the_nodes_page(browser: Browser, hub: Hub) -> None:
    browser.driver.get(f"{hub.address}/nodes/attic")
    browser.one("input[name=publish][value=all]").click()
    browser.driver.find_element(By.XPATH, "//button[text()='Change']").click()
    browser.until(lambda: "has been asked to publish" in browser.text(), "the answer")
    assert hub.services.commands.recent("attic", 1)[0].publish == "all"


def test_a_sampling_is_set_on_the_nodes_page_and_shown_when_the_node_obeys(
    browser: Browser, hub: Hub
) -> None:
    garage = Node(hub, "garage")
    garage.come(sampling=Sampling())
    browser.driver.get(f"{hub.address}/nodes/garage")
    assert "its own settings" in browser.text("[data-standing]")
    browser.one("details summary").click()
    field = browser.one("[name=near_miss_bytes_per_day]")
    field.clear()
    field.send_keys("lots")
    browser.one("[data-sampling] button").click()
    browser.until(lambda: "1 field needs mending" in browser.text("[role=alert]"), "the mistake")
    assert "such as 1.5" in browser.text("#error-near_miss_bytes_per_day")
    field = browser.one("[name=near_miss_bytes_per_day]")
    field.clear()
    field.send_keys("0.5")
    browser.one("[name=private]").send_keys("rain\n")
    # The browser itself notes the refusal's status 400 in its console.
    assert [line for line in browser.complaints() if "400" not in line] == []
    browser.one("[data-sampling] button").click()
    browser.until(lambda: "a new sampling policy" in browser.text(), "the answer")
    assert "waits for the node" in browser.text("table")
    assert hub.services.sampling.tell() == ["garage"]
    browser.driver.get(f"{hub.address}/nodes/garage")
    assert "told, waits for the node to confirm" in browser.text("[data-standing]")
    wanted = Sampling(near_miss_bytes_per_day=500_000, private=("rain",))
    garage.come(sampling=wanted)
    browser.driver.get(f"{hub.address}/nodes/garage")
    assert "in force since" in browser.text("[data-standing]")
    assert "rain" in browser.text(".split-side")


def test_the_fleet_has_a_policy_with_the_keyboard_alone(browser: Browser, hub: Hub) -> None:
    browser.one("a[href='/sampling']").send_keys(Keys.ENTER)
    browser.until(lambda: browser.text("h1") == "What nodes send to learn from", "the policies")
    browser.one("a[href='/sampling/fleet']").send_keys(Keys.ENTER)
    browser.until(lambda: browser.text("h1") == "Sampling of the fleet", "the form")
    browser.one("[name=random_per_hour]").send_keys(Keys.CONTROL + "a")
    browser.one("[name=random_per_hour]").send_keys("3" + Keys.ENTER)
    browser.until(lambda: "The fleet has a new sampling policy" in browser.text(), "the answer")
    policy = hub.services.sampling.policy("fleet")
    assert policy is not None
    assert policy.sampling == Sampling(random_per_hour=3)
    browser.driver.find_element(By.XPATH, "//button[text()='Remove this policy']").click()
    browser.until(lambda: "no sampling policy any more" in browser.text(), "the answer")


def test_everything_is_within_reach_of_the_keyboard(browser: Browser, hub: Hub) -> None:
    def focused() -> str:
        return str(browser.run("return document.activeElement.textContent.trim()"))

    def press(key: str) -> None:
        browser.driver.switch_to.active_element.send_keys(key)

    browser.driver.get(f"{hub.address}/live")
    press(Keys.TAB)
    assert focused() == "Skip to the content"
    seen = []
    for _ in range(16):
        press(Keys.TAB)
        seen.append(focused())
        outline = browser.run(
            "const e = document.activeElement;"
            "const box = e.matches('.heard-label') ? e.closest('.heard') : e;"
            "return getComputedStyle(box).outlineStyle"
        )
        assert outline == "solid", f"focus on {seen[-1]} cannot be seen"
    places = [
        "Fleet", "Live", "Detections", "Review", "Data set", "Training", "Releases", "Rollouts", "Arrivals",
    ]  # fmt: skip
    assert seen[:13] == ["Soundpost", *places, "Users", "admin", "Sign out"]
    press(Keys.ENTER)
    browser.until(lambda: "/detections/" in browser.driver.current_url, "the detection that had the focus")
    browser.one(".skip").send_keys(Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "content"


def test_live_news_leave_the_focus_where_it_is(browser: Browser, hub: Hub) -> None:
    node = Node(hub, "attic", "Loft")
    node.come()
    browser.until(lambda: browser.all("[data-node=attic]"), "the card")
    browser.run("document.querySelector('[data-node=attic] h2 a').focus()")
    node.beat(-33.0)
    browser.until(lambda: "−33 dB" in browser.text("[data-node=attic] .level"), "its level")
    assert browser.run("return document.activeElement.textContent") == "attic"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/live",
        "/detections",
        "/detections/1",
        "/nodes/attic",
        "/arrivals",
        "/sampling",
        "/sampling/fleet",
        "/training",
        "/releases",
        "/nowhere",
    ],
)
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, hub: Hub, path: str) -> None:
    with browser.as_phone():
        browser.driver.get(hub.address + path)
        assert browser.run("return document.documentElement.scrollWidth") == PHONE[0]
        small = browser.run(
            "return [...document.querySelectorAll('nav a, button')].filter(e => e.checkVisibility())"
            ".filter(e => e.getBoundingClientRect().height < 24).map(e => e.textContent)"
        )
        assert small == [], "WCAG 2.5.8: targets are 24 px at least"
    if path == "/nowhere":
        browser.complaints()


def test_times_are_written_in_the_readers_zone(browser: Browser, hub: Hub) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    try:
        browser.driver.get(f"{hub.address}/detections/1")
        stamp = browser.one("time").get_attribute("datetime")
        shown = browser.text("time")
        hour, minute = int(stamp[11:13]), int(stamp[14:16])
        local = (hour * 60 + minute + 330) % 1440
        assert f"{local // 60:02d}:{local % 60:02d}" in shown
        assert "ago" in shown
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


def test_no_other_host_is_ever_asked(browser: Browser, hub: Hub) -> None:
    browser.driver.get_log("performance")
    for path in ("/", "/live", "/detections", "/detections/1", "/nodes/attic", "/arrivals"):
        browser.driver.get(hub.address + path)
        time.sleep(0.3)
    events = [json.loads(entry["message"])["message"] for entry in browser.driver.get_log("performance")]
    requests = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    asked = {urlsplit(one["request"]["url"]) for one in requests}
    asked_hosts = {address.netloc for address in asked if address.scheme not in ("data", "about")}
    assert asked_hosts == {urlsplit(hub.address).netloc}


def test_without_a_password_the_first_reader_sets_one(chromium: Browser, tmp_path: Path) -> None:
    fresh = Hub(tmp_path)
    try:
        fresh.start()
        chromium.driver.get(f"{fresh.address}/")
        assert chromium.text("h1") == "Set a password"
        chromium.driver.get(f"{fresh.address}/setup?code={fresh.services.accounts.setup_code()}")
        chromium.one("input[name=password]").send_keys(PASSWORD + "\n")
        chromium.until(lambda: "No node has called yet" in chromium.text(), "the empty fleet")
        Node(fresh, "first").come()
        chromium.until(lambda: chromium.all("[data-node=first]"), "the first node")
        assert "No node has called yet" not in chromium.text()
        assert chromium.complaints() == []
    finally:
        fresh.stop()
