"""The colours of the style sheet, measured as WCAG 2.2 does."""

import re
from pathlib import Path

import pytest

import aggregator.web

STATIC = Path(aggregator.web.__file__).parent / "static"
TOKEN = re.compile(r"--([\w-]+):\s*(#[0-9a-f]{6});")
TEXT, SHAPE = 4.5, 3.0

PAIRS = [
    ("ink", "ground", TEXT),
    ("ink", "surface", TEXT),
    ("ink", "tint", TEXT),
    ("soft", "ground", TEXT),
    ("soft", "surface", TEXT),
    ("soft", "tint", TEXT),
    ("accent", "ground", TEXT),
    ("accent", "surface", TEXT),
    ("accent", "tint", TEXT),
    ("accent-ink", "accent", TEXT),
    ("alarm", "ground", TEXT),
    ("alarm", "surface", TEXT),
    ("alarm", "alarm-ground", TEXT),
    ("alarm", "tint", SHAPE),
    ("edge", "surface", SHAPE),
    ("edge", "ground", SHAPE),
    ("accent", "line", SHAPE),
]


def schemes() -> dict[str, dict[str, str]]:
    light, dark = (STATIC / "tokens.css").read_text().split("@media (prefers-color-scheme: dark)")
    return {"light": dict(TOKEN.findall(light)), "dark": dict(TOKEN.findall(dark))}


def luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """
    >>> contrast("#000000", "#ffffff")
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_what_must_be_seen_can_be_seen(scheme: str, front: str, back: str, least: float) -> None:
    colours = schemes()[scheme]
    assert contrast(colours[front], colours[back]) >= least


def test_both_schemes_name_the_same_colours() -> None:
    light, dark = schemes().values()
    assert light.keys() == dark.keys()


def test_colours_stand_in_the_tokens_alone() -> None:
    for sheet in ("page.css", "sound.css", "review.css"):
        found = re.findall(r"#[0-9a-fA-F]{3,8}\b", (STATIC / sheet).read_text())
        # White is the mark upon the spectrogram, which is dark in both schemes.
        assert set(found) <= {"#fff"}, sheet
