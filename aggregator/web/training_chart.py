"""The curves of a training: what it has learned after each epoch. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aggregator.domain.training_progress import CurvePoint, Progress
from aggregator.web.charts import BOX_HEIGHT, BOX_WIDTH, Tick

_MOST_TICKS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveChart:
    """Lines in the box; loss is drawn against its own highest value."""

    loss: str
    accuracy: str
    shares: tuple[Tick, ...]
    ticks: tuple[Tick, ...]
    last_loss: float | None
    last_accuracy: float | None


def curve_chart(progress: Progress) -> CurveChart | None:
    """The chart of a training, or None before its first epoch has ended."""
    curve = progress.curve
    if not curve:
        return None
    epochs = max(progress.epochs or 0, curve[-1].epoch, 1)
    highest = max((point.loss for point in curve if point.loss is not None), default=0.0) or 1.0
    return CurveChart(
        loss=_line(curve, epochs, lambda point: None if point.loss is None else point.loss / highest),
        accuracy=_line(curve, epochs, lambda point: point.validation_accuracy),
        shares=tuple(Tick(at_percent=100 - share, text=f"{share} %") for share in (25, 50, 75)),
        ticks=_ticks(epochs),
        last_loss=curve[-1].loss,
        last_accuracy=curve[-1].validation_accuracy,
    )


def _line(curve: Sequence[CurvePoint], epochs: int, share: Callable[[CurvePoint], float | None]) -> str:
    """The points of a line; a lone one becomes a short stroke, for a point has no width."""
    places = [
        (BOX_WIDTH * point.epoch / epochs, BOX_HEIGHT * (1 - min(max(value, 0.0), 1.0)))
        for point in curve
        if (value := share(point)) is not None
    ]
    if len(places) == 1:
        places = [(places[0][0] - BOX_WIDTH / (2 * epochs), places[0][1]), *places]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _ticks(epochs: int) -> tuple[Tick, ...]:
    step = max(1, -(-epochs // _MOST_TICKS))
    return tuple(
        Tick(at_percent=round(100 * epoch / epochs, 2), text=str(epoch))
        for epoch in range(step, epochs + 1, step)
    )
