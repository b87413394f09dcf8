"""The settings of live listening. Frozen values; nothing is read here."""

# ruff: noqa: RUF009  (``setting`` only makes a field; it is not a default computed once)

from dataclasses import dataclass
from pathlib import Path

from edge_agent.settings.fields import ARGUMENTS, PATH, TRUTH, Section, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings(Section):
    """Whether people may listen to it."""

    listening: bool = setting(
        TRUTH, "whether somebody at the aggregator may listen to what is heard here", default=False
    )
    opus: bool = setting(
        TRUTH, "also to the sound itself, in Opus, and not only to what is made again from features",
        default=False,
    )  # fmt: skip
    indicator_file: Path | None = setting(
        PATH, "is written 1 while somebody listens, else 0, such as /sys/class/gpio/gpio17/value",
        default=None,
    )  # fmt: skip
    indicator_program: tuple[str, ...] = setting(
        ARGUMENTS, "program with arguments, run with on or off behind them when somebody begins or ends",
        default=(),
    )  # fmt: skip
