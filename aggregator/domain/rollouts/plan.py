"""What a rollout shall do: which release, to which nodes, in which waves."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from aggregator.domain.rollouts.hours import read_hours, read_zone
from aggregator.errors import RolloutError

LIVE: Final = "live"
SHADOW: Final = "shadow"
MOST_WAVES: Final = 20
LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A published bundle, as far as rollouts ask."""

    digest: str
    target: str
    """Its name in the signed metadata."""
    model: str
    """``name@version``."""
    frontend_digest: str
    minimum_agent_version: str = ""
    nodes: tuple[str, ...] | None = None
    """Only these may run it; None: every node."""

    @property
    def kind(self) -> str:
        """The model's name, without its version."""
        return self.model.split("@", 1)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Which nodes: named, or with one of the tags, or at one of the sites; all, if nothing is named."""

    nodes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    percent: float = 100.0
    """So many of them, chosen by a stable hash of their names."""
    any_model: bool = False
    """Also nodes that run a model of another name."""

    def __post_init__(self) -> None:
        _within("the percentage of the targets", self.percent, 0, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One step of a rollout: how many nodes, and when it counts as a success."""

    name: str
    percent: float | None = None
    """The rollout reaches so many percent of its targets with this wave."""
    count: int | None = None
    """Or so many nodes more."""
    tag: str = ""
    """Or those with this tag."""
    mode: str = LIVE
    success_percent: float = 90.0
    """Of the nodes that ended, so many must have succeeded, else the rollout is paused."""
    error_percent: float = 5.0
    """When more of the wave's nodes have failed, the rollout is paused at once."""
    minimum_s: float = 0.0
    """The next wave does not begin earlier."""
    hours: str = ""
    """Only at these hours of the day, as ``22:00-05:00``; empty: always."""
    zone: str = ""
    """Whose day, as ``Europe/Berlin``; empty: that of the rollout."""
    at_once: int = 0
    """No more nodes are under way at the same time; 0: no limit."""
    shadow_s: float = 3600.0
    """A shadow listens so long."""
    shadow_cpu_percent: float = 25.0
    """Of one core, for a shadow at most."""
    agreement_percent: float = 0.0
    """A shadow must agree with the model in service in so many percent of all steps."""

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= LONGEST_NAME:
            raise RolloutError(f"a wave has a name of at most {LONGEST_NAME} characters")
        if sum((self.percent is not None, self.count is not None, bool(self.tag))) != 1:
            raise RolloutError(f"wave {self.name}: give its size as one of percent, count and tag")
        if self.mode not in (LIVE, SHADOW):
            raise RolloutError(f"wave {self.name}: its mode is {LIVE} or {SHADOW}, not {self.mode!r}")
        for words, percent in (
            ("size", 100.0 if self.percent is None else self.percent),
            ("success condition", self.success_percent),
            ("error threshold", self.error_percent),
            ("agreement", self.agreement_percent),
        ):
            _within(f"wave {self.name}: the {words}", percent, 0, 100)
        _within(f"wave {self.name}: the number of nodes", 1 if self.count is None else self.count, 1, 10**6)
        _within(f"wave {self.name}: nodes at once", self.at_once, 0, 10**6)
        _within(f"wave {self.name}: the time that a shadow listens", self.shadow_s, 1, 1e7)
        _within(f"wave {self.name}: a shadow's share of a core", self.shadow_cpu_percent, 1, 100)
        _within(f"wave {self.name}: the minimum time", self.minimum_s, 0, 1e7)
        read_hours(self.hours)
        read_zone(self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A rollout as somebody asked for it. It never changes."""

    release: Release
    targets: Targets
    waves: tuple[Wave, ...]
    seed: str
    """Sets which nodes come first."""
    takes_new: bool = True
    """Nodes that come later get the release, too, with the last wave or after it."""
    new_front_end: bool = False
    """Also nodes whose front end is another one than the release brings."""
    whole_sites: bool = False
    """A site's nodes go together, and if one of them fails, all go back."""
    probation_s: float = 60.0
    zone: str = ""
    """The time zone of maintenance windows; empty: that of the aggregator."""

    def __post_init__(self) -> None:
        if not 0 < len(self.waves) <= MOST_WAVES:
            raise RolloutError(f"a rollout has 1 to {MOST_WAVES} waves")
        if len({wave.name for wave in self.waves}) != len(self.waves):
            raise RolloutError("two waves have the same name")
        read_zone(self.zone)
        _within("the time on probation", self.probation_s, 1, 86_400)

    def zone_of(self, wave: Wave) -> str:
        """Where the clock hangs that a wave goes by."""
        return wave.zone or self.zone

    def to_plain(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Plan":
        """What ``to_plain`` wrote, after a way through JSON."""
        release = dict(plain["release"])
        if release["nodes"] is not None:
            release["nodes"] = tuple(release["nodes"])
        targets: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in plain["targets"].items()
        }
        rest = {key: value for key, value in plain.items() if key not in ("release", "targets", "waves")}
        return cls(
            release=Release(**release),
            targets=Targets(**targets),
            waves=tuple(Wave(**wave) for wave in plain["waves"]),
            **rest,
        )


def _within(what: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise RolloutError(f"{what} must be from {low:g} to {high:g}, not {value:g}")
