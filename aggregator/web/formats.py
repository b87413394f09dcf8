"""How values are written for people: filters of the templates."""

from datetime import UTC, datetime
from time import time
from typing import Final

from flask import Flask
from markupsafe import Markup

from aggregator.web.charts import minus
from contract.manifest import ANOMALY

NOTHING: Final = "–"
LOWEST_LEVEL_DBFS: Final = -90.0
"""The left end of a level meter: the noise floor of a quiet room through a small microphone."""

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_INPUT_WORDS: Final = {
    "starting": "starting",
    "hearing": "hearing sound",
    "flat": "input is flat",
    "stopped": "input stopped",
    "ended": "input ended",
}
_GAP_WORDS: Final = {
    "outbox_full": "outbox was full",
    "disk_full": "disk was full",
    "overrun": "capture overran",
    "input_lost": "input was lost",
    "restart": "agent restarted",
    "storage_damaged": "storage was damaged",
}
_REASON_WORDS: Final = {
    "detection": "around a detection",
    "near_miss": "a near miss",
    "uncertain": "the model was unsure",
    "random": "a random sample",
    "all": "sent without a break",
    "disagreement": "a shadow heard otherwise",
}


def install(app: Flask) -> None:
    """Make the filters known to the templates of ``app``."""
    for filter_ in _FILTERS:
        app.jinja_env.filters[filter_.__name__] = filter_
    app.jinja_env.globals["now_ms"] = lambda: round(time() * 1000)


def iso(seconds: float) -> str:
    """Machine-readable time.

    >>> iso(0.25)
    '1970-01-01T00:00:00.250Z'
    """
    return f"{_moment(seconds):%Y-%m-%dT%H:%M:%S}.{int(seconds % 1 * 1000):03d}Z"


def utc(seconds: float) -> str:
    """Time for people whose browser runs no scripts.

    >>> utc(0)
    '1970-01-01 00:00:00 UTC'
    """
    return f"{_moment(seconds):%Y-%m-%d %H:%M:%S} UTC"


def percent(share: float | None) -> str:
    """A posterior. Never rounded up to certainty.

    >>> percent(0.934), percent(0.9999)
    ('93 %', '99 %')
    """
    if share is None:
        return NOTHING
    return f"{min(round(share * 100), 99) if share < 1 else 100} %"


def certainty(share: float, label: str) -> str:
    """How sure a detection is: a posterior, or an anomaly's score, which is no probability.

    >>> certainty(0.934, "dog"), certainty(0.934, "anomaly"), certainty(0.9999, "anomaly")
    ('93 %', '0.93', '0.99')
    """
    if not is_score(label):
        return percent(share)
    return f"{min(round(share, 2), 0.99) if share < 1 else 1:.2f}"


def is_score(label: str) -> bool:
    """Whether what is said with ``label`` is an anomaly's score; the contract keeps the label for those."""
    return label == ANOMALY


def level(dbfs: float | None) -> str:
    """A sound level.

    >>> level(-32.46)
    '−32 dB'
    """
    return NOTHING if dbfs is None else minus(f"{dbfs:.0f} dB")


def meter(dbfs: float | None) -> float:
    """How far a level meter reaches, 0 to 100.

    >>> meter(-45.0)
    50.0
    """
    if dbfs is None:
        return 0.0
    return round(min(max(100 * (1 - dbfs / LOWEST_LEVEL_DBFS), 0.0), 100.0), 1)


def size(octets: float | None) -> str:
    """A number of bytes.

    >>> size(57_300_000)
    '57 MB'
    """
    if octets is None:
        return NOTHING
    unit = 0
    while octets >= 1000 and unit < len(_UNITS) - 1:
        octets /= 1000
        unit += 1
    return f"{octets:.1f} {_UNITS[unit]}" if 0 < octets < 10 and unit else f"{octets:.0f} {_UNITS[unit]}"


def celsius(degrees: float | None) -> str:
    """A temperature.

    >>> celsius(-3.2)
    '−3 °C'
    """
    return NOTHING if degrees is None else minus(f"{degrees:.0f} °C")


def whole(count: int | None) -> str:
    """A count, in groups of three with narrow spaces between them.

    >>> whole(1234567).split()
    ['1', '234', '567']
    """
    return NOTHING if count is None else f"{count:,}".replace(",", "\u202f")


def milliseconds(value: float | None) -> str:
    """A delay.

    >>> milliseconds(163.4)
    '163 ms'
    """
    return NOTHING if value is None else f"{value:.0f} ms"


def duration(seconds: float | None) -> str:
    """A length of time.

    >>> duration(0.42), duration(75), duration(90061)
    ('0.4 s', '1 min 15 s', '1 d 1 h')
    """
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    parts, rest = [], int(seconds)
    for word, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count} {word}")
    return " ".join(parts[:2])


def duration_signed(seconds: float | None) -> str:
    """A difference of two clocks.

    >>> duration_signed(-0.42)
    '−0.4 s'
    """
    if seconds is None:
        return NOTHING
    return f"{'−' if seconds < 0 else ''}{duration(abs(seconds))}"


def spoken(label: str) -> str:
    """A label for reading aloud; filters and exports keep it as it is.

    >>> spoken("chirping_birds"), spoken("_background_")
    ('chirping birds', 'background')
    """
    return label.replace("_", " ").strip() or label


def gap_words(reason: str) -> str:
    """Why something is missing."""
    return _GAP_WORDS.get(reason, reason)


def reason_words(reason: str) -> str:
    """Why a node sent a window."""
    return _REASON_WORDS.get(reason, reason.replace("_", " "))


def input_words(state: str | None) -> str:
    """What the input does."""
    return NOTHING if state is None else _INPUT_WORDS.get(state, state)


def sentence(reason: object) -> str:
    """A reason, or the error that has it, with a capital and a full stop; nothing stays nothing.

    >>> sentence("no node is called 'attic'")
    "No node is called 'attic'."
    """
    text = str(reason)
    return text and f"{text[:1].upper()}{text[1:]}."


def coded(text: str) -> Markup:
    """A sentence whose words between back quotes are commands.

    >>> coded("`rm` <it>")
    Markup('<code>rm</code> &lt;it&gt;')
    """
    plain = Markup("{}")
    command = Markup("<code>{}</code>")
    parts = enumerate(text.split("`"))
    return Markup("").join((command if place % 2 else plain).format(part) for place, part in parts)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


_FILTERS: Final = (
    iso, utc, percent, level, meter, size, celsius, whole, duration, duration_signed, gap_words, input_words,
    reason_words, spoken, milliseconds, certainty, is_score, coded,
)  # fmt: skip
