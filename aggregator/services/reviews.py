"""What people say of windows, as pages and programs are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aggregator.domain.consensus import Consensus, Opinion
from aggregator.domain.guesses import Guess, guess
from aggregator.domain.value import Parts
from aggregator.domain.value import reason as worth_of
from aggregator.services.detections import WindowView, window_view
from aggregator.services.sites import site_of

GUESSES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """One answer: who said what of which window, and when."""

    id: int
    window_id: int
    node: str
    start_s: float
    """When the window began."""
    reviewer: str
    verdict: str
    """``label``, ``none`` (none of them) or ``skip``."""
    label: str | None
    """With verdict ``label``: what it counts as today."""
    said: str | None
    """What the label that was given is called today; differs from ``label`` once that was merged."""
    batch: str
    """Answers that were given together, and are undone together, share it."""
    source: str
    """``card``, ``group`` (given for a whole group) or ``import``."""
    made_s: float
    undone_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What accepting the model's guess would say."""

    verdict: str
    label_id: int | None
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CardView:
    """A window, and all that helps to say what it is."""

    window: WindowView
    site: str
    end_s: float
    clock_trusted: bool
    guess: Guess
    guesses: tuple[tuple[str, float], ...]
    """The likeliest labels at the strongest step with their posteriors, at most three."""
    acceptance: Acceptance | None
    """None if the model said nothing that a reviewer could say."""
    group: tuple[int, ...]
    """The windows of the card's group that are nearly the same, its own among them."""
    value: float
    parts: Parts
    reviews: tuple[ReviewView, ...]
    """Every answer so far, also undone ones, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the reviewing has come."""

    waiting: int
    """Cards that nobody has answered; a group counts once."""
    answered: int
    """Windows that somebody has answered."""
    mine: int
    """Answers in force of the reviewer who asks."""
    unindexed: int
    """Windows that have no card yet."""
    reviewers: tuple["ReviewerView", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerView:
    """What one reviewer has done."""

    name: str
    answers: int
    skips: int
    last_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DisagreementView:
    """A window of which reviewers say different things."""

    window_id: int
    node: str
    start_s: float
    reviews: tuple[ReviewView, ...]
    """Those in force."""
    label: str | None
    """What most say, if they agree; None: none of them."""
    agreed: bool
    """False: as many say one thing as another, and nothing is learned from the window."""


def review_view(row: Any) -> ReviewView:
    """The view of a row of ``store.reviews``."""
    return ReviewView(
        id=row.id,
        window_id=row.window_id,
        node=row.node,
        start_s=row.start_s,
        reviewer=row.reviewer,
        verdict=row.verdict,
        label=row.label,
        said=row.said,
        batch=row.batch,
        source=row.source,
        made_s=row.made_s,
        undone_s=row.undone_s,
    )


def opinion(row: Any) -> Opinion:
    """What a row of ``store.reviews`` counts for."""
    return Opinion(id=row.id, reviewer=row.reviewer, verdict=row.verdict, label_id=row.meant_id)


def disagreement_view(rows: Sequence[Any], told: Consensus) -> DisagreementView:
    """The view of a window's reviews in force, which differ."""
    names = {row.meant_id: row.label for row in rows}
    return DisagreementView(
        window_id=rows[0].window_id,
        node=rows[0].node,
        start_s=rows[0].start_s,
        reviews=tuple(review_view(row) for row in rows),
        label=names[told.label_id] if told.label_id is not None else None,
        agreed=told.agreed,
    )


def card_view(
    row: Any, window_row: Any, group: list[int], said: Sequence[Any], acceptance: Acceptance | None
) -> CardView:
    """The card of rows of ``store.cards``, ``store.detections`` and ``store.reviews``."""
    window = window_view(window_row)
    told = guess(window.labels, window.posteriors)
    return CardView(
        window=window,
        site=site_of(row.birth),
        end_s=window_row.end_s,
        clock_trusted=window_row.clock_trusted,
        guess=told,
        guesses=_likeliest(window, told.step),
        acceptance=acceptance,
        group=tuple(group),
        value=row.value,
        parts=Parts(
            uncertainty=row.doubt,
            rarity=row.rarity,
            novelty=row.novelty,
            disagreement=row.disagreement,
            reason=worth_of(row.reason),
        ),
        reviews=tuple(review_view(one) for one in said),
    )


def _likeliest(window: WindowView, step: int) -> tuple[tuple[str, float], ...]:
    if step < 0:
        return ()
    told = zip(window.labels, (float(share) for share in window.posteriors[step]), strict=True)
    return tuple(sorted(told, key=lambda one: -one[1])[:GUESSES_SHOWN])
