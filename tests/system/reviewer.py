"""A person at a browser: reviews by keyboard, retrains by the button, and reads what the gate says."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from selenium.webdriver.common.keys import Keys

from tests.aggregator.web.browser import Browser

NONE: Final = "none of them"
SKIP: Final = "skip"
_KEYS: Final = {NONE: "n", SKIP: "s"}

WATCH_PACE: Final = """
window.paces = [];
let pressed = 0;
document.addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
const stage = document.querySelector("[data-stage]");
new MutationObserver(async () => {
  const card = stage.querySelector("[data-card]");
  if (!card || !pressed) return;
  const begun = pressed;
  pressed = 0;
  await card.querySelector(".spectrogram img").decode();
  requestAnimationFrame(() => window.paces.push(performance.now() - begun));
}).observe(stage, { childList: true });
"""
"""Measures in the page: from a key to the moment in which the next card and its picture can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadVerdict:
    """What the page of a candidate says."""

    head: str
    passed: tuple[str, ...]
    """The sentences of the rules."""
    refused: tuple[str, ...]


class Reviewer:
    """Signed in under a name."""

    def __init__(self, browser: Browser, address: str, name: str) -> None:
        self.browser, self._address, self._name = browser, address, name

    def arrive(self, password: str) -> None:
        """Go through the door, to the queue."""
        self.browser.sign_in(self._address, password, self._name)
        self._go("/review")
        self.browser.until(lambda: self.browser.text("h1") == "Review", "the queue")

    def add_label(self, name: str) -> None:
        """Make it possible to answer ``name``."""
        self._go("/review/labels")
        self.browser.one("form.stack input[name=name]").send_keys(f"{name}\n")
        self.browser.until(lambda: f"“{name}” can be given" in self.browser.text(), "the new label")

    def review(self, count: int, said: Callable[[int], str]) -> list[float]:
        """Answer ``count`` cards as the queue deals them; how long each next card took, ms.

        ``said`` tells of a window its label, ``NONE`` or ``SKIP``; a skip does not count as an answer.
        """
        self._go("/review")
        self.browser.run(WATCH_PACE)
        answered = 0
        while answered < count:
            window = self.shown()
            answer = said(window)
            self._answer(answer)
            answered += answer != SKIP
            if answered < count:
                self.browser.until(lambda: self.shown() != window, "the next card")  # noqa: B023
        self.browser.until(lambda: f"{count} by you" in self.browser.text("[data-progress]"), "all answers")
        paces: list[float] = self.browser.run("return window.paces")
        return paces

    def shown(self) -> int:
        """The window of the card that is shown."""
        return int(self.browser.one("[data-card]").get_attribute("data-window"))

    def retrain(self, watch: Callable[[str], None] = lambda _: None) -> str:
        """Press the button and wait until the training has ended; what the page says came of it.

        ``watch`` is told what the page says meanwhile.
        """
        browser = self.browser
        self._go("/training")
        before = len(browser.all("tr[data-id]"))
        browser.one("form[action='/training'] button").click()

        def ended() -> bool:
            running = browser.all("[data-training] .panel p")
            if running:
                watch(running[0].text)
            return len(browser.all("tr[data-id]")) > before

        browser.until(ended, "the end of the training", timeout_s=6 * 3600)
        return browser.text("tr[data-id] td:last-child")

    def verdict(self) -> ReadVerdict:
        """Read the page of the candidate that came of the last training."""
        browser = self.browser
        self._go("/training")
        browser.one("tr[data-id] a[href^='/releases/']").click()
        browser.until(lambda: browser.text("h1").startswith("Release"), "the release")
        return ReadVerdict(
            head=browser.text("#verdict-head"),
            passed=tuple(line.text for line in browser.all(".marks .passed")),
            refused=tuple(line.text for line in browser.all(".marks .refused")),
        )

    def _go(self, path: str) -> None:
        self.browser.driver.get(self._address + path)

    def _answer(self, answer: str) -> None:
        key = _KEYS.get(answer) or self._keys().get(answer)
        if key:
            self._press(key)
        else:
            self._press("/")
            self._press(answer + Keys.ENTER)

    def _keys(self) -> dict[str, str]:
        """Label → the key that the card shows beside it."""
        return {
            button.find_element("css selector", "span").text: button.get_attribute("data-key")
            for button in self.browser.all("[data-card] .label-keys button[data-key]")
        }

    def _press(self, keys: str) -> None:
        self.browser.driver.switch_to.active_element.send_keys(keys)


def mistaken(truth: Mapping[int, str], labels: Sequence[str], *, part: float, seed: int) -> Mapping[int, str]:
    """Window → what is said of it, if a ``part`` of the windows is given a label that is wrong."""
    draw = random.Random(seed)
    sure = [window for window, answer in sorted(truth.items()) if answer != SKIP]
    wrong = draw.sample(sure, round(part * len(sure)))
    return {**truth, **{window: _other(labels, truth[window], draw) for window in wrong}}


def _other(labels: Sequence[str], label: str, draw: random.Random) -> str:
    return draw.choice([one for one in labels if one != label])
