"""Takes the pictures of docs/pictures from a running dashboard, best of `aggregator demo` after some minutes.

SOUNDPOST_PASSWORD=... python docs/take_pictures.py http://127.0.0.1:8080
"""

import io
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.aggregator.web.browser import DESKTOP, PHONE, Browser

PICTURES = Path(__file__).resolve().parent / "pictures"
COLOURS = 256
"""A palette keeps the files small; nobody sees the difference on flat surfaces."""


def main(address: str, password: str) -> None:
    """Sign in, visit the pages, save what they look like."""
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(Path(profile))
        try:
            browser.sign_in(address, password)
            take_all(browser, address)
        finally:
            browser.driver.quit()


def take_all(browser: Browser, address: str) -> None:
    """Every page in light; the detection and the fleet also otherwise."""
    browser.prefer("light")
    take(browser, address, "/", "fleet")
    take(browser, address, "/live", "live")
    browser.driver.get(f"{address}/detections")
    surest = max(
        browser.all(".heard:has(img)"), key=lambda row: row.find_element("css selector", ".number").text
    )
    detection = surest.find_element("css selector", "a").get_attribute("href").removeprefix(address)
    take(browser, address, detection, "detection")
    node = browser.one(".head a").get_attribute("href").removeprefix(address)
    take(browser, address, node, "node")
    take(browser, address, "/review", "review")
    take(browser, address, "/dataset", "dataset")
    browser.prefer("dark")
    take(browser, address, detection, "detection-dark")
    browser.resize(PHONE)
    take(browser, address, "/", "fleet-phone")
    browser.resize(DESKTOP)


def take(browser: Browser, address: str, path: str, name: str) -> None:
    """One picture."""
    browser.driver.get(address + path)
    browser.until(pictures_loaded(browser), "the spectrograms")
    shot = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")
    bottom = browser.run("return Math.ceil(document.querySelector('main').getBoundingClientRect().bottom)")
    shot = shot.crop((0, 0, shot.width, min(shot.height, bottom)))
    flat = shot.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    flat.save(PICTURES / f"{name}.png", optimize=True)


def pictures_loaded(browser: Browser) -> Callable[[], bool]:
    """Whether nothing on the page is still on its way."""
    return lambda: bool(
        browser.run(
            "return [...document.images].filter(i => i.getBoundingClientRect().top < innerHeight)"
            ".every(i => i.complete) && !document.querySelector('.card .thumb-waits')"
        )
    )


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), os.environ["SOUNDPOST_PASSWORD"])
