"""What drifted of a node, as pages show it and as it is stored."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aggregator.domain.drift_levels import LevelHour
from aggregator.domain.drift_spectra import Spectrum


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDrift:
    """How often a label is detected now, and how surely, against the reference."""

    label: str
    count: int
    """Detections now, in ``services.drift_index.RATE_S``."""
    per_hour: float
    usual_per_hour: float
    chance: float
    """The probability of so many or more if nothing has changed; see ``domain.drift_rates``."""
    floods: bool
    shift: float | None
    """Stability index of the posteriors; None: too few detections. See ``domain.drift_posteriors``."""
    posteriors: tuple[int, ...]
    usual_posteriors: tuple[int, ...]
    """Detections per bucket of posterior, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """A node now, against its reference."""

    node: str
    made_s: float | None
    """None: nothing was computed yet."""
    since_s: float | None = None
    until_s: float | None = None
    """The reference, from and to."""
    reference_hours: int = 0
    """Hours of it in which levels were heard; with less than a day nothing is compared."""
    level: LevelHour | None = None
    """The last hours together; None: nothing was heard."""
    usual_level: LevelHour | None = None
    hours: tuple[LevelHour, ...] = ()
    """The last two days."""
    labels: tuple[LabelDrift, ...] = ()
    spectrum: Spectrum | None = None
    usual_spectrum: Spectrum | None = None
    risen_bins: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """Something that went wrong with a node's hearing."""

    id: int
    node: str
    kind: str
    """``deaf``, ``fan`` or ``flood``."""
    label: str
    """Of a flood; else empty."""
    sentence: str
    begun_s: float
    held_s: float
    ended_s: float | None


def to_text(view: DriftView) -> str:
    """For the store."""
    return json.dumps(asdict(view), ensure_ascii=False)


def from_row(row: Any) -> DriftView:
    """The view of a row of ``store.drift.summaries``."""
    if row.content is None:
        return DriftView(node=row.name, made_s=None)
    plain: dict[str, Any] = json.loads(row.content)
    return DriftView(
        **plain
        | {
            "node": row.name,
            "level": _hour(plain["level"]),
            "usual_level": _hour(plain["usual_level"]),
            "hours": tuple(LevelHour(**one) for one in plain["hours"]),
            "labels": tuple(_label(one) for one in plain["labels"]),
            "spectrum": _spectrum(plain["spectrum"]),
            "usual_spectrum": _spectrum(plain["usual_spectrum"]),
            "risen_bins": tuple(plain["risen_bins"]),
        }
    )


def alert_view(row: Any) -> AlertView:
    """The view of a row of ``store.drift``."""
    return AlertView(
        id=row.id, node=row.node, kind=row.kind, label=row.label, sentence=row.sentence, begun_s=row.begun_s,
        held_s=row.held_s, ended_s=row.ended_s,
    )  # fmt: skip


def _hour(plain: Mapping[str, Any] | None) -> LevelHour | None:
    return None if plain is None else LevelHour(**plain)


def _label(plain: Mapping[str, Any]) -> LabelDrift:
    pairs = ("posteriors", "usual_posteriors")
    return LabelDrift(**{**plain, **{name: tuple(plain[name]) for name in pairs}})


def _spectrum(plain: Mapping[str, Any] | None) -> Spectrum | None:
    if plain is None:
        return None
    return Spectrum(windows=plain["windows"], floor_db=tuple(plain["floor_db"]))
