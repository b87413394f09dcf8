"""Reviewing by keyboard in a browser, over the real server and database."""

import time
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from contract import messages, topics
from tests.aggregator.web import sounds
from tests.aggregator.web.browser import PHONE, Browser
from tests.aggregator.web.hub import DIGEST, LABELS, PASSWORD, Hub, Node

WINDOWS = 30
SHOWN = ("dog", "rain", "siren", "chirping_birds")
KEYS = {"dog": "1", "rain": "2", "siren": "3", "chirping_birds": "4"}

PICTURE = "document.querySelector('[data-card] .spectrogram img')"


def show(hub: Hub, node: Node, number: int) -> None:
    """Send a window without any detection; each fourth looks like the one before the last of its kind."""
    label = SHOWN[number % len(SHOWN)]
    drawn = sounds.features(label, seed=number)
    posteriors = sounds.posteriors(drawn, LABELS.index(label), len(LABELS), 0.4 + 0.02 * (number % 20))
    start_s = time.time() - 86_400 + 600 * number
    window = messages.Features(
        **node._stamp(), sequence=node._next(), model="sounds@1.0.0", frontend_digest=DIGEST,
        reason="all", detection=None, start_s=start_s, hop_ms=20, mel_bins=80,
        frames=drawn[: 100 + 2 * number].tobytes(), step_ms=200, labels=LABELS,
        posteriors=posteriors.tobytes(),
    )  # fmt: skip
    hub.send(node.name, topics.FEATURES, window)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A server that makes cards by itself of what two nodes sent."""
    made = Hub(tmp_path_factory.mktemp("hub"))
    try:
        made.services.accounts.set(PASSWORD)
        attic, shed = Node(made, "attic", "Loft"), Node(made, "shed", "Garden")
        attic.come()
        shed.come()
        for number in range(WINDOWS):
            show(made, (attic, shed)[number % 2], number)
        made.start()
        deadline = time.monotonic() + 30
        while made.services.review.progress().unindexed:
            assert time.monotonic() < deadline, "no cards were made"
            time.sleep(0.1)
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def ada(chromium: Browser, hub: Hub) -> Browser:
    """Signed in as Ada, who reviews and nothing else."""
    hub.services.users.add("Ada", PASSWORD, ["reviewer"], "a test")
    chromium.sign_in(hub.address, PASSWORD, "Ada")
    chromium.driver.get(f"{hub.address}/review")
    chromium.until(lambda: chromium.text("h1") == "Review", "the queue")
    return chromium


@pytest.fixture
def browser(ada: Browser, hub: Hub) -> Iterator[Browser]:
    """On the queue; no test may leave complaints in the console."""
    ada.complaints()
    ada.driver.get(f"{hub.address}/review")
    yield ada
    assert ada.complaints() == []


def shown(browser: Browser) -> int:
    return int(browser.one("[data-card]").get_attribute("data-window"))


def press(browser: Browser, key: str) -> None:
    browser.driver.switch_to.active_element.send_keys(key)


def said(hub: Hub) -> dict[int, tuple[str, str | None]]:
    """What Ada says of each window."""
    answers = [one for one in reversed(hub.services.review.recent(500)) if one.reviewer == "Ada"]
    return {one.window_id: (one.verdict, one.label) for one in answers if one.undone_s is None}


def test_twenty_cards_are_answered_by_key_without_reloading(browser: Browser, hub: Hub) -> None:
    browser.run("document.body.dataset.sameDocument = 'yes'")
    expected: dict[int, tuple[str, str | None]] = {}
    for number in range(20):
        window = shown(browser)
        guess = hub.services.review.card(window).guess.label
        if number % 5 == 3:
            key, answer = "n", ("none", None)
        elif number % 5 == 4:
            key, answer = Keys.ENTER, ("label", guess) if guess in KEYS else ("none", None)
        else:
            label = SHOWN[number % 4]
            key, answer = KEYS[label], ("label", label)
        press(browser, key)
        expected[window] = answer
        browser.until(lambda: shown(browser) not in expected, "the next card", 10)
        browser.until(lambda: browser.run(f"return {PICTURE}.complete"), "its picture")
    browser.until(lambda: len(said(hub)) == 20, "the last answer to arrive")
    assert said(hub) == expected
    assert browser.run("return document.body.dataset.sameDocument") == "yes", "nothing was reloaded"
    browser.until(lambda: "20 by you" in browser.text("[data-progress]"), "the count")

    # Three steps back, and one forth.
    before = list(expected)[::-1]
    for window in before[:3]:
        press(browser, "u")
        browser.until(lambda: shown(browser) == window, "the card before")  # noqa: B023
    browser.until(lambda: len(said(hub)) == 17, "the answers to be taken back")
    press(browser, "3")
    browser.until(lambda: said(hub).get(before[2]) == ("label", "siren"), "another answer")
    browser.until(lambda: shown(browser) == before[1], "what was undone waits again")


def test_a_label_is_found_by_name_and_help_by_question_mark(browser: Browser, hub: Hub) -> None:
    window = shown(browser)
    press(browser, "/")
    press(browser, "chir")
    visible = "return [...document.querySelectorAll('.label-keys li:not([hidden])')].map(e => e.innerText)"
    browser.until(lambda: len(browser.run(visible)) == 1, "one label")
    press(browser, "1")
    assert browser.run(visible) == [], "digits are text in there"
    press(browser, Keys.BACKSPACE)
    press(browser, Keys.ENTER)
    browser.until(lambda: said(hub).get(window) == ("label", "chirping_birds"), "the answer")
    press(browser, "?")
    browser.until(lambda: "none of them" in browser.text(".keys dl"), "the help")
    press(browser, "?")
    assert browser.run("return document.querySelector('[data-help]').open") is False


def test_an_answer_that_does_not_arrive_comes_back(browser: Browser, hub: Hub) -> None:
    window = shown(browser)
    browser.until(lambda: browser.run("return performance.getEntriesByType('resource').length") > 3, "cards")
    time.sleep(0.5)
    network = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", network)
    press(browser, "1")
    browser.until(lambda: "was not kept" in browser.text("[data-refused]"), "the bad news")
    browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", network | {"offline": False})
    assert shown(browser) == window
    assert window not in said(hub)
    press(browser, "2")
    browser.until(lambda: said(hub).get(window) == ("label", "rain"), "the answer")
    browser.until(lambda: not browser.one("[data-refused]").is_displayed(), "the bad news to go")
    assert all("ERR_INTERNET_DISCONNECTED" in line for line in browser.complaints())


def test_the_whole_group_is_answered_at_once(browser: Browser, hub: Hub) -> None:
    node = Node(hub, "porch")
    node.come()
    before = hub.services.detections.window(1)
    assert before is not None
    for hour in range(3):
        start_s = time.time() - 50_000 + 3600 * hour
        window = messages.Features(
            **node._stamp(), sequence=node._next(), model="sounds@1.0.0", frontend_digest=DIGEST,
            reason="all", detection=None, start_s=start_s, hop_ms=20, mel_bins=80,
            frames=before.features.tobytes(), step_ms=200, labels=LABELS,
            posteriors=bytes([90, 80, 40, 30, 15]) * 10,
        )  # fmt: skip
        hub.send(node.name, topics.FEATURES, window)
    browser.until(lambda: not hub.services.review.progress().unindexed, "the cards")
    browser.driver.get(f"{hub.address}/review/cards/{WINDOWS + 1}")
    assert "for all 3" in browser.text(".accepting")
    press(browser, "g")
    assert browser.one("[name=whole_group]").is_selected()
    press(browser, "3")
    group = {WINDOWS + 1, WINDOWS + 2, WINDOWS + 3}
    browser.until(lambda: group <= {n for n, one in said(hub).items() if one == ("label", "siren")}, "all")
    press(browser, "u")
    browser.until(lambda: not group & set(said(hub)), "all to be undone at once")
    browser.until(lambda: shown(browser) == WINDOWS + 1, "the card")
    press(browser, "a")
    browser.until(lambda: group <= {n for n, one in said(hub).items() if one == ("label", "dog")}, "all")


@pytest.mark.parametrize(
    "path",
    ["/review", "/review/labels", "/review/labels/1", "/review/disagreements", "/review/answers",
     "/dataset", "/dataset/files"],
)  # fmt: skip
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, hub: Hub, path: str) -> None:
    with browser.as_phone():
        browser.driver.get(hub.address + path)
        assert browser.run("return document.documentElement.scrollWidth") == PHONE[0]
