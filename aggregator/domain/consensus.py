"""What several reviewers together say of a window."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

VERDICTS: Final = ("label", "none", "skip")
LABEL, NONE, SKIP = VERDICTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One answer that was not undone."""

    id: int
    """Rises with time."""
    reviewer: str
    verdict: str
    """One of ``VERDICTS``."""
    label_id: int | None = None
    """With verdict ``label``; of merged labels that which they were merged into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consensus:
    """What is learned from a window, if anything."""

    label_id: int | None
    """None: none of them, or no agreement."""
    agreed: bool
    """False where as many say one thing as another: then nothing is learned."""
    voices: int
    """Reviewers who said something."""
    contested: bool
    """Whether any two of them differ."""


def consensus(opinions: Iterable[Opinion]) -> Consensus | None:
    """The opinion of most reviewers; None if nobody said anything.

    Only the newest answer of each reviewer counts; who skipped has no opinion.

    >>> dog, rain = (Opinion(id=n, reviewer=f"r{n}", verdict="label", label_id=n) for n in (1, 2))
    >>> consensus([dog]).label_id, consensus([dog, rain]).agreed
    (1, False)
    """
    newest: dict[str, Opinion] = {}
    for one in sorted(opinions, key=lambda opinion: opinion.id):
        newest[one.reviewer] = one
    votes = Counter(
        one.label_id if one.verdict == LABEL else None for one in newest.values() if one.verdict != SKIP
    )
    if not votes:
        return None
    (label_id, most), *others = votes.most_common()
    agreed = not others or others[0][1] < most
    return Consensus(
        label_id=label_id if agreed else None,
        agreed=agreed,
        voices=votes.total(),
        contested=bool(others),
    )
