"""One label for a whole clip, from the posteriors of its steps. Pure.

The rule is the bundle's own (``clip_rule`` in its manifest), so that the factory that measured the model and
the node that runs it decide alike.
"""

import math
from collections.abc import Sequence
from typing import Final

CLIP_RULES: Final = ("end", "mean", "peak")


def decide_clip(
    posteriors: Sequence[Sequence[float]],
    levels_db: Sequence[float],
    *,
    rule: str,
    gate_db: float | None,
) -> tuple[int, float]:
    """Index of the clip's label and its posterior; the parameters are those of ``clip_posteriors``.

    >>> decide_clip([[0.9, 0.1], [0.2, 0.8]], [-20.0, -90.0], rule="mean", gate_db=30.0)
    (0, 0.9)
    """
    row = clip_posteriors(posteriors, levels_db, rule=rule, gate_db=gate_db)
    best = max(range(len(row)), key=row.__getitem__)
    return best, row[best]


def clip_posteriors(
    posteriors: Sequence[Sequence[float]],
    levels_db: Sequence[float],
    *,
    rule: str,
    gate_db: float | None,
) -> list[float]:
    """The clip's posterior of every label.

    ``posteriors`` is (steps, labels), each row summing to about one. ``levels_db`` has one level per step:
    the mean power of the step's samples in dBFS (a full-scale sine is 0, digital silence -120). A file that
    ends within a step is filled up with silence, and that step counts like any other.
    Steps more than ``gate_db`` below the loudest do not count. ``end`` takes the last step, ``mean`` the
    mean of the logarithms (a product of experts), ``peak`` the step that is surest.
    """
    if not posteriors:
        raise ValueError("a clip needs at least one step")
    loud = max(levels_db) - gate_db if gate_db is not None else -math.inf
    kept = [row for row, level in zip(posteriors, levels_db, strict=True) if level >= loud]
    if rule == "end":
        return list(kept[-1])
    if rule == "peak":
        return list(max(kept, key=max))
    if rule == "mean":
        return _log_mean(kept)
    raise ValueError(f"unknown clip rule {rule!r}")


def _log_mean(rows: Sequence[Sequence[float]]) -> list[float]:
    if len(rows) == 1:
        return list(rows[0])
    logs = [sum(math.log(max(p, 1e-4)) for p in column) / len(rows) for column in zip(*rows, strict=True)]
    top = max(logs)
    weights = [math.exp(value - top) for value in logs]
    return [weight / sum(weights) for weight in weights]
