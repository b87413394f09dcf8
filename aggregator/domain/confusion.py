"""Which sounds a bundle takes for which."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aggregator.domain.figures import Answer, reported

NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts by truth (rows) and by what was said (columns); both end with ``NOTHING``."""

    truths: tuple[str, ...]
    said: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def share(self, row: int, column: int) -> float:
        """A count's share of its row, 0 to 1."""
        total = sum(self.counts[row])
        return self.counts[row][column] / total if total else 0.0


def confusion(answers: Sequence[Answer], targets: Sequence[str]) -> Confusion:
    """How ``answers`` fall, for a bundle that knows ``targets``.

    >>> confusion([Answer(item=1, truth="dog", said="_silence_")], ["dog"])
    Confusion(truths=('dog',), said=('dog', 'nothing'), counts=((0, 1),))
    """
    pairs = Counter((reported(one.truth) or NOTHING, reported(one.said) or NOTHING) for one in answers)
    asked = {truth for truth, _ in pairs}
    strange = sorted(asked - set(targets) - {NOTHING})
    truths = [label for label in (*targets, *strange, NOTHING) if label in asked]
    answered = sorted({said for _, said in pairs} - set(targets) - {NOTHING})
    said = (*targets, *answered, NOTHING)
    return Confusion(
        truths=tuple(truths),
        said=said,
        counts=tuple(tuple(pairs[truth, word] for word in said) for truth in truths),
    )
