"""Deleting in a browser, over the real server."""

from collections.abc import Iterator

import pytest

from tests.aggregator.web.browser import PHONE, Browser
from tests.aggregator.web.hub import PASSWORD, Hub, Node


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    made = Hub(tmp_path_factory.mktemp("deletion"))
    made.services.accounts.set(PASSWORD)
    node = Node(made, "attic")
    node.come()
    for _ in range(3):
        node.show("dog", node.hear("dog"))
    made.start()
    yield made
    made.stop()


def test_a_window_and_then_everything_is_deleted(browser: Browser, hub: Hub) -> None:
    browser.driver.get(f"{hub.address}/detections/1")
    browser.one("a[href$='/delete']").click()
    browser.until(lambda: "Delete window 1 of attic?" in browser.text("h1"), "the question")
    browser.one("button.alarming").click()
    browser.until(lambda: "Window 1 of attic is deleted." in browser.text(), "the answer")
    browser.driver.get(f"{hub.address}/nodes/attic")
    browser.one("a[href='/nodes/attic/delete']").click()
    browser.until(lambda: "2 windows of features" in browser.text("[data-goes]"), "what goes")
    assert "3 detections" in browser.text("[data-goes]")
    browser.one("button.alarming").click()
    browser.until(lambda: "What attic has sent is deleted." in browser.text(), "the answer")
    rows = [row.text for row in browser.all("tr[data-id]")]
    assert len(rows) == 2
    assert all("admin" in row for row in rows), "who did it"


@pytest.mark.parametrize("path", ["/deletions", "/nodes/attic/delete"])
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, hub: Hub, path: str) -> None:
    with browser.as_phone():
        browser.driver.get(hub.address + path)
        assert browser.run("return document.documentElement.scrollWidth") == PHONE[0]
