"""Which rules of drift hold for a node, each in a sentence."""

from collections.abc import Sequence

from aggregator.domain import drift_levels, drift_spectra
from aggregator.domain.drift_alerts import DEAF, FAN, FLOOD, Finding
from aggregator.domain.drift_levels import DEAF_HOURS, RISE_HOURS, LevelHour
from aggregator.domain.drift_limits import DriftLimits
from aggregator.services.drift_views import DriftView, LabelDrift
from contract.audio import MEL_BINS


def findings(
    view: DriftView, recent: Sequence[LevelHour], reference: Sequence[LevelHour], limits: DriftLimits
) -> list[Finding]:
    """What is wrong with the hearing of a node now."""
    found = [_flood(one) for one in view.labels if one.floods]
    short_db = drift_levels.deaf_by_db(recent, reference, limits)
    if short_db is not None:
        found.append(Finding(kind=DEAF, label="", sentence=_deaf(short_db, limits)))
    rise_db = drift_levels.floor_rise_db(recent, reference, limits)
    if rise_db is not None:
        found.append(Finding(kind=FAN, label="", sentence=_fan(rise_db, view)))
    return found


def _deaf(short_db: float, limits: DriftLimits) -> str:
    if short_db < limits.deaf_below_db:
        return f"The microphone may be deaf: its level has not moved for {DEAF_HOURS} hours."
    return (
        f"The microphone may be deaf: for {DEAF_HOURS} hours even its loud seconds were {short_db:.0f} dB "
        "quieter than those of the quietest hour before."
    )


def _fan(rise_db: float, view: DriftView) -> str:
    rise = f"The noise floor has stood {rise_db:.0f} dB above its usual height for {RISE_HOURS} hours"
    if drift_spectra.is_narrow(view.risen_bins):
        return (
            f"{rise}, in {len(view.risen_bins)} of {MEL_BINS} bands: "
            "a fan or another machine may have started."
        )
    if view.risen_bins:
        return f"{rise}, in most bands: steady noise, such as rain, or a fan near by."
    return f"{rise}: a fan may have started."


def _flood(one: LabelDrift) -> Finding:
    usual = f"{one.usual_per_hour:.2g}" if one.usual_per_hour else "none"
    sentence = f"“{one.label}” floods: {one.per_hour:.3g} detections an hour; usual are {usual}."
    return Finding(kind=FLOOD, label=one.label, sentence=sentence)
