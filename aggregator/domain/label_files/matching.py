"""Which stored windows a labelled stretch of time speaks of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aggregator.domain.label_files.spans import Span

SAME_S: Final = 0.001
LEAST_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stored window."""

    window_id: int
    start_s: float
    end_s: float


def matching(span: Span, stretches: Sequence[Stretch]) -> list[tuple[Stretch, float]]:
    """The windows of ``span``'s node that it speaks of, with the seconds shared.

    A span that was made of a window speaks of that alone. Any other speaks of the windows of which it covers
    half, and of those that hold half of it.

    >>> one, other = (Stretch(window_id=n, start_s=2.0 * n, end_s=2.0 * n + 3) for n in (1, 2))
    >>> span = Span(node="attic", start_s=2.0, end_s=5.0, label="owl")
    >>> [stretch.window_id for stretch, _ in matching(span, [one, other])]
    [1]
    """
    same = [one for one in stretches if _same(span, one)]
    if same:
        return [(one, one.end_s - one.start_s) for one in same]
    return [(one, _shared_s(span, one)) for one in stretches if _speaks_of(span, one)]


def strongest(claims: Iterable[tuple[int, float, int]]) -> dict[int, int]:
    """Of claims (window, seconds shared, line), the line that each window follows: it shares most.

    >>> strongest([(7, 1.0, 2), (7, 2.5, 3), (7, 2.5, 4)])
    {7: 3}
    """
    best: dict[int, tuple[float, int]] = {}
    for window_id, shared_s, line in claims:
        if window_id not in best or shared_s > best[window_id][0]:
            best[window_id] = (shared_s, line)
    return {window_id: line for window_id, (_, line) in best.items()}


def _same(span: Span, one: Stretch) -> bool:
    return abs(span.start_s - one.start_s) <= SAME_S and abs(span.end_s - one.end_s) <= SAME_S


def _shared_s(span: Span, one: Stretch) -> float:
    return max(0.0, min(span.end_s, one.end_s) - max(span.start_s, one.start_s))


def _speaks_of(span: Span, one: Stretch) -> bool:
    if span.start_s == span.end_s:
        return one.start_s <= span.start_s <= one.end_s
    shared_s = _shared_s(span, one)
    return shared_s > 0 and (
        shared_s >= LEAST_SHARE * (span.end_s - span.start_s)
        or shared_s >= LEAST_SHARE * (one.end_s - one.start_s)
    )
