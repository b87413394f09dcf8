"""Headless Chromium, and the few things that tests do with it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip
DESKTOP, PHONE = (1280, 800), (390, 844)


class Browser:
    """One window."""

    def __init__(self, profile: Path, *more_flags: str) -> None:
        if CHROMIUM is None or DRIVER is None:
            pytest.skip("needs a browser: apt-get install chromium chromium-driver")
        options = ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, *more_flags, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = Chrome(options=options, service=ChromeService(DRIVER))
        self.resize(DESKTOP)

    def resize(self, size: tuple[int, int]) -> None:
        """Take the screen of another device."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    @contextmanager
    def as_phone(self) -> Iterator[None]:
        """Take the screen of a phone for a while."""
        self.resize(PHONE)
        try:
            yield
        finally:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def prefer(self, scheme: str) -> None:
        """Ask for ``light`` or ``dark`` pages."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def all(self, selector: str) -> list[Any]:
        """Elements by CSS selector."""
        found: list[Any] = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return found

    def one(self, selector: str) -> Any:
        """The first element of a CSS selector."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str = "body") -> str:
        """What an element says."""
        said: str = self.one(selector).text
        return said

    def run(self, script: str) -> Any:
        """The result of a script."""
        return self.driver.execute_script(script)

    def until(self, holds: Callable[[], Any], what: str, timeout_s: float = 20) -> None:
        """Wait for something to become true; a moment that the page rebuilds counts as not yet."""
        try:
            WebDriverWait(self.driver, timeout_s, 0.1).until(lambda _: _quietly(holds))
        except TimeoutException:
            pytest.fail(f"waited for {what}; {self.driver.current_url} shows: {self.text()[:500]}")

    def sign_in(self, address: str, password: str, name: str = "admin") -> None:
        """Go through the door."""
        self.driver.get(f"{address}/sign-in")
        self.one("input[name=name]").clear()
        self.one("input[name=name]").send_keys(name)
        self.one("input[name=password]").send_keys(password + "\n")
        self.until(lambda: self.text("h1") == "Fleet", "the fleet page")

    def complaints(self) -> list[str]:
        """Warnings and errors of the console since the last question."""
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]


def _quietly(holds: Callable[[], Any]) -> Any:
    try:
        return holds()
    except (NoSuchElementException, StaleElementReferenceException):
        return False
