"""From where on something is drift. The settings' section [drift] fills it in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLimits:
    """The thresholds of the alerts."""

    deaf_below_db: float = 6.0
    """So far below the quietest hour of the reference nothing is heard any more."""
    fan_rise_db: float = 6.0
    """So far above its usual height the noise floor has risen."""
    flood_detections: int = 20
    """Fewer detections of a label are no flood, however rare they were."""
    flood_factor: float = 4.0
    """A flood is so many times the usual rate."""
    flood_chance: float = 1e-4
    """What chance gives more often than this is no flood."""
    calm_s: float = 3600.0
    """An alert ends when its rule has not held for so long."""
    accepted_days: float = 14.0
    """What lasts so long is how it is now: the alert ends, and becomes part of the reference."""


USUAL_LIMITS = DriftLimits()
