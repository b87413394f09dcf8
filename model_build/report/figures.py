"""Everything that ``model-build evaluate`` finds out about a classifier; its fields are the keys of the JSON.

Parts are from 0 to 1, levels in dB relative to a full-scale sine, times in seconds where a name ends in
``_s``. A dictionary's keys are labels, treatments or kinds of nothing; a part's interval holds 95 %.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_build.report.alarms import Alarms
from model_build.report.calibration import Calibration
from model_build.report.clip_scores import Separation, Share
from model_build.report.latency import Latency
from model_build.report.nothing import Quiet
from model_build.report.streams import StreamAlarms


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierFigures:
    """The figures of one bundle on one folder of clips and any number of streams."""

    model: str
    """Name and version."""
    digest: str
    """SHA-256 of the bundle."""
    data: str
    """Name of the folder of clips."""
    splits: tuple[str, ...]
    labels: tuple[str, ...]
    thresholds: Mapping[str, float]
    clips: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    balanced_accuracy: float
    """Mean over the labels that have clips, each counting alike."""
    per_label: Mapping[str, float]
    """Part of each label's clips that are right."""
    per_label_share: Mapping[str, Share]
    """The same with counts and interval."""
    confusion: tuple[tuple[int, ...], ...]
    """(K, K) clips by what they are (rows) and were taken for (columns), in the order of ``labels``"""
    calibration: Calibration
    separation: Mapping[str, Separation]
    """One label against all others: ROC and DET of the clips' posteriors."""
    alarms: Alarms
    """False alarms on ``streams`` against missed clips; without streams ``hours`` is 0 and rates are null."""
    streams: tuple[StreamAlarms, ...]
    nothing: Mapping[str, Quiet]
    """Digital silence and steady noise."""
    treated: Mapping[str, Share]
    """Clips that are right after each treatment."""
    latency: Latency
    latency_median_s: float | None
    """From the word's end to the report; none if nothing was detected."""
    latency_p95_s: float | None
    skipped: tuple[str, ...]
    """One sentence for each file that could not be used."""

    def to_plain(self) -> dict[str, Any]:
        """As JSON has it."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        # JSON knows no infinity: without hours there is no bound.
        return round(value, 6) if math.isfinite(value) else None
    return value
