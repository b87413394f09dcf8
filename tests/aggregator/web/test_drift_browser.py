"""Drift in a browser: the real server finds it by itself, beside its pages."""

import time
from collections.abc import Iterator

import pytest

from aggregator.store.database import Database
from tests.aggregator.past import Past
from tests.aggregator.test_drift import usual
from tests.aggregator.web.browser import PHONE, Browser
from tests.aggregator.web.hub import PASSWORD, Hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    made = Hub(tmp_path_factory.mktemp("drift"))
    made.services.accounts.set(PASSWORD)
    store = Database(made.settings.database_url)
    past = usual(Past(store, now_s=time.time()), 4)
    past.levels(4, 0, -35, -30)
    past.windows([0.2, 0.9, 1.5, 2.5], hum=(8, 9, 10))
    store.close()
    made.start()
    yield made
    made.stop()


def test_a_fan_is_found_and_shown(browser: Browser, hub: Hub) -> None:
    def alarmed() -> bool:
        browser.driver.get(hub.address)
        return bool(browser.all("[data-alerts] li"))

    browser.until(alarmed, "the alert", 60)
    assert "in 3 of 80 bands: a fan" in browser.text("[data-alerts]")
    browser.one("[data-alerts] a").click()
    browser.until(lambda: "open" in browser.text("#drift"), "the node's section")
    assert len(browser.all("#drift .bin-risen")) == 4
    browser.driver.get(f"{hub.address}/drift")
    row = browser.one("tr[data-node=attic]")
    now, before = (
        one.rect["x"] for one in browser.driver.find_elements("css selector", ".little rect")[1::-1]
    )
    assert now > before, "now is to the right of usually: louder"
    assert "dog" in row.text


@pytest.mark.parametrize("path", ["/drift", "/nodes/attic", "/"])
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, hub: Hub, path: str) -> None:
    with browser.as_phone():
        browser.driver.get(hub.address + path)
        assert browser.run("return document.documentElement.scrollWidth") == PHONE[0]
