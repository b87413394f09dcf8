"""Training and releases in a browser, over the real server, a real trainer and a factory that obeys."""

import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator import bootstrap
from aggregator.settings import Web
from tests.aggregator.learning import Workshop
from tests.aggregator.web.browser import PHONE, Browser
from tests.aggregator.web.hub import PASSWORD
from tests.broker import free_port
from tests.conftest import ROOT
from tests.waiting import wait_until


class LearningHub(Workshop):
    """``aggregator web`` and ``aggregator trainer``, as processes over one data folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.settings = replace(self.settings, web=Web(port=free_port()))
        self.address = f"http://127.0.0.1:{self.settings.web.port}"
        services = bootstrap.services(self.settings, self.database)
        services.accounts.set(PASSWORD)
        for name in ("Mia", "Noa", "Ida"):
            services.users.add(name, PASSWORD, ["operator"], "a test")
        self._running = [self._start(name) for name in ("web", "trainer")]
        wait_until(self._answers, "the dashboard answers")

    def _start(self, name: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.aggregator.training_program", name],
                cwd=ROOT, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        for process in self._running:
            process.send_signal(signal.SIGTERM)
        for process in self._running:
            process.wait(30)
        self.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LearningHub]:
    made = LearningHub(tmp_path_factory.mktemp("learning"))
    yield made
    made.stop()


def retrain(browser: Browser, hub: LearningHub, who: str) -> None:
    browser.sign_in(hub.address, PASSWORD, who)
    browser.driver.get(f"{hub.address}/training")
    browser.one("form[action='/training'] button").click()
    browser.until(lambda: "Training" in browser.text(".panel h2"), "the training")


def test_a_training_is_watched_live_and_its_candidate_accepted(browser: Browser, hub: LearningHub) -> None:
    hold = hub.folder / "hold"
    hold.touch()
    hub.plan(hold_after=2, hold=str(hold))
    retrain(browser, hub, "Mia")
    browser.run("document.body.dataset.sameDocument = 'yes'")
    browser.until(lambda: "epoch 2 of 4" in browser.text("[data-training]"), "its epochs", 60)
    assert browser.run("return document.body.dataset.sameDocument") == "yes", "nothing was reloaded"
    points = "return document.querySelector('.curve-accuracy').getAttribute('points').split(' ').length"
    assert browser.run(points) >= 2
    assert "Asked for by Mia" in browser.text("[data-training]")
    hold.unlink()
    browser.until(lambda: browser.all("a[href='/releases/2']"), "what came of it", 60)
    browser.one("a[href='/releases/2']").click()
    browser.until(lambda: browser.text("h1") == "Release 2", "the release")
    assert browser.text("#verdict-head") == "The gate passes this candidate"
    assert len(browser.all(".marks .passed")) == len(browser.all(".marks li")) > 10
    assert browser.all("table.confusion td.heat-9")
    browser.one("input[name=reason]").send_keys("sounds good")
    browser.one("form[action$='decide'] button").click()
    browser.until(lambda: "Release 2 is accepted" in browser.text(), "the answer")
    assert "Accepted by Mia" in browser.text("[data-decisions]")
    assert "in service" in browser.text(".head")


def test_a_poisoned_candidate_is_refused_and_only_accepted_with_a_reason(
    browser: Browser, hub: LearningHub
) -> None:
    hub.plan()
    hub.poison()
    hub.review(9)
    retrain(browser, hub, "Noa")
    browser.until(lambda: browser.all("a[href='/releases/3']"), "what came of it", 60)
    browser.driver.get(f"{hub.address}/releases/3")
    assert browser.text("#verdict-head") == "The gate refuses this candidate"
    first = browser.text(".marks li:first-child")
    assert first.startswith("refused: ")
    assert "refused: false alarms per hour rose from 0.3 to 2.1" in browser.text(".marks")
    browser.one("button.alarming").click()
    assert browser.run("return document.querySelector('textarea').validity.valueMissing")
    browser.one("textarea[name=reason]").send_keys("the barn is loud, we know")
    browser.one("button.alarming").click()
    browser.until(lambda: "Release 3 is accepted" in browser.text(), "the answer")
    assert "over the refusal by Noa" in browser.text("[data-decisions]")
    browser.driver.get(f"{hub.address}/releases")
    assert [row.get_attribute("data-id") for row in browser.all("tr[data-id]")] == ["3", "2", "1"]
    assert "in service" in browser.text("tr[data-id='3']")
    browser.one("select[name=a] option[value='3']").click()
    browser.one("select[name=b] option[value='1']").click()
    browser.one("form[action='/releases/compare'] button").click()
    browser.until(lambda: browser.text("h1") == "Release 3 against 1", "the comparison")


def test_a_training_is_cancelled(browser: Browser, hub: LearningHub) -> None:
    hub.plan(epoch_s=5.0)
    retrain(browser, hub, "Ida")
    browser.until(lambda: browser.all("[data-training] .state-learning"), "it learns", 60)
    browser.one("[data-training] form button").click()
    browser.until(lambda: "cancelled by Ida" in browser.text(), "its end", 60)
    browser.until(lambda: browser.all("form[action='/training'] button"), "the button is back")


@pytest.mark.parametrize("path", ["/training", "/releases", "/releases/3", "/releases/compare?a=3&b=1"])
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, hub: LearningHub, path: str) -> None:
    with browser.as_phone():
        browser.driver.get(hub.address + path)
        assert browser.run("return document.documentElement.scrollWidth") == PHONE[0]
