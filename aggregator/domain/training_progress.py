"""How far a training has come, from the lines that the factory prints."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

MOST_POINTS: Final = 400
"""A longer curve is thinned out: what is drawn has no more pixels."""
LONGEST_WORDS: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """What was measured after an epoch."""

    epoch: int
    loss: float | None
    validation_accuracy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the page shows of a training that runs. None: not known."""

    what: str = ""
    """What is done now, in words."""
    done: float | None = None
    total: float | None = None
    epoch: int | None = None
    epochs: int | None = None
    remaining_s: float | None = None
    curve: tuple[CurvePoint, ...] = ()

    @property
    def share(self) -> float | None:
        """How much of what is done now is done, 0 to 1."""
        if self.done is None or not self.total:
            return None
        return min(max(self.done / self.total, 0.0), 1.0)

    def to_plain(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Progress":
        """What ``to_plain`` wrote."""
        curve = tuple(CurvePoint(**point) for point in plain.get("curve", ()))
        return cls(**{**plain, "curve": curve})


def begin(what: str, total: float | None = None, *, curve: tuple[CurvePoint, ...] = ()) -> Progress:
    """A new step; the ``curve`` of the step before stays in sight."""
    return Progress(what=what, done=None if total is None else 0.0, total=total, curve=curve)


def after_line(progress: Progress, line: Any) -> Progress:
    """``progress`` after a line of the factory. What cannot be read in it changes nothing.

    >>> after_line(Progress(), {"what": "learning", "epoch": 1, "epochs": 4, "loss": 0.5}).curve
    (CurvePoint(epoch=1, loss=0.5, validation_accuracy=None),)
    >>> after_line(Progress(what="x"), ["rubbish"]).what
    'x'
    """
    if not isinstance(line, Mapping):
        return progress
    what = line.get("what")
    epoch = _count(line.get("epoch"))
    told = replace(
        progress,
        what=what[:LONGEST_WORDS] if isinstance(what, str) and what else progress.what,
        done=_number(line.get("done"), progress.done),
        total=_number(line.get("total"), progress.total),
        epoch=progress.epoch if epoch is None else epoch,
        epochs=_count(line.get("epochs")) or progress.epochs,
        remaining_s=_number(line.get("remaining_s"), None),
    )
    loss, accuracy = (_number(line.get(name), None) for name in ("loss", "validation_accuracy"))
    if epoch is None or (loss is None and accuracy is None):
        return told
    point = CurvePoint(epoch=epoch, loss=loss, validation_accuracy=accuracy)
    return replace(told, curve=with_point(progress.curve, point))


def with_point(curve: Sequence[CurvePoint], point: CurvePoint) -> tuple[CurvePoint, ...]:
    """The curve with one point more; what is said again of an epoch replaces what was said before.

    A training that was stopped tells some epochs twice.
    """
    kept = [one for one in curve if one.epoch < point.epoch]
    if len(kept) >= MOST_POINTS:
        kept = kept[::2]
    return (*kept, point)


def _number(value: Any, otherwise: float | None) -> float | None:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value < 1e12:
        return otherwise
    return float(value)


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 10**6 else None
