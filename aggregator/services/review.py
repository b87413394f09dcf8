"""The review queue: which card comes next for whom, and what is said of it."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy import Connection

from aggregator.domain.consensus import LABEL, NONE, SKIP, VERDICTS, consensus
from aggregator.domain.label_names import means_none, reviewer_name
from aggregator.errors import LabelError, ReviewError, UnknownWindowError
from aggregator.services.reviews import (
    Acceptance,
    CardView,
    DisagreementView,
    Progress,
    ReviewerView,
    ReviewView,
    card_view,
    disagreement_view,
    opinion,
    review_view,
)
from aggregator.store import cards, dataset, detections, review_labels
from aggregator.store import reviews as store
from aggregator.store.database import Database

ACCEPT: Final = "accept"
"""Beside the verdicts: whatever the model thought."""

CLAIM_S: Final = 600.0
"""Nobody else is shown a card for so long after it was handed out."""

TRIES: Final = 20
CONTESTED_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What an answer amounted to."""

    batch: str | None
    """None: the reviewer had said just that before, and nothing was added."""
    windows: int
    verdict: str
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What was taken back."""

    window_id: int
    """The card to show again."""
    windows: int


class ReviewService:
    """Hands out cards and keeps answers. Safe for use by many threads and processes."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def next(self, reviewer: str, *, beside: Sequence[int] = (), second: bool = False) -> CardView | None:
        """The most valuable card that waits, held for ``reviewer`` for ten minutes; None if none waits.

        Not one of ``beside``, which the reviewer has already. Whoever asks again without answering gets the
        same. With ``second`` a card that others have answered. No two reviewers get the same card.
        """
        reviewer = reviewer_name(reviewer)
        window_id = self._claim(reviewer, beside, second=second)
        return None if window_id is None else self.card(window_id)

    def card(self, window_id: int) -> CardView:
        """One card. ``UnknownWindowError`` if there is none."""
        with self._database.read() as connection:
            row = cards.by_window(connection, window_id)
            window = detections.window(connection, window_id)
            if row is None or window is None:
                raise UnknownWindowError(f"there is no card of window {window_id}")
            group = cards.group_of(connection, window_id)
            said = store.of_window(connection, window_id)
            acceptance = _acceptance(connection, row.top_label)
        return card_view(row, window, group, said, acceptance)

    def waiting(self, reviewer: str = "", limit: int = 50) -> list[int]:
        """The windows whose cards wait, most valuable first; nothing is held."""
        with self._database.read() as connection:
            return cards.waiting(connection, reviewer, self._now(), second=False, beside=(), limit=limit)

    def answer(
        self,
        window_id: int,
        reviewer: str,
        said: str,
        *,
        label_id: int | None = None,
        whole_group: bool = False,
    ) -> Stored:
        """Keep what ``reviewer`` says: ``label`` (with its id), ``none``, ``skip`` or ``accept``.

        With ``whole_group`` for each window of the card's group that the reviewer has not answered yet.
        ``UnknownWindowError`` if the window is gone, ``ReviewError`` or ``LabelError`` if the answer is none.
        """
        reviewer = reviewer_name(reviewer)
        with self._database.write() as connection:
            verdict, label_id, label = _verdict(connection, window_id, said, label_id)
            whole_group = whole_group and verdict != SKIP
            windows = _windows(connection, window_id, reviewer, whole_group=whole_group)
            if len(windows) == 1 and _repeats(connection, window_id, reviewer, verdict, label_id):
                return Stored(batch=None, windows=0, verdict=verdict, label=label)
            batch = secrets.token_hex(16)
            review = {
                "reviewer": reviewer,
                "verdict": verdict,
                "label_id": label_id,
                "batch": batch,
                "source": "group" if whole_group else "card",
                "made_s": self._now(),
            }
            store.add(connection, [{"window_id": one} | review for one in windows])
            cards.recount(connection, windows)
            store.release(connection, reviewer, windows[:1])
        return Stored(batch=batch, windows=len(windows), verdict=verdict, label=label)

    def undo(self, reviewer: str) -> Undone | None:
        """Take back what ``reviewer`` said last; again for what was said before that. None: nothing is left.

        What was given for a whole group is taken back for the whole group. Imports stay.
        """
        reviewer = reviewer_name(reviewer)
        now_s = self._now()
        with self._database.write() as connection:
            batch = store.last_batch(connection, reviewer)
            if batch is None:
                return None
            windows = store.undo(connection, reviewer, batch, now_s)
            cards.recount(connection, windows)
            store.claim(connection, windows[0], reviewer, now_s, now_s + CLAIM_S)
        return Undone(window_id=windows[0], windows=len(windows))

    def undo_batch(self, reviewer: str, batch: str) -> int:
        """Take back one batch of ``reviewer``, such as an import; the number of windows."""
        with self._database.write() as connection:
            windows = store.undo(connection, reviewer_name(reviewer), batch, self._now())
            cards.recount(connection, windows)
        return len(windows)

    def progress(self, reviewer: str = "") -> Progress:
        """How far the reviewing has come."""
        with self._database.read() as connection:
            rows = store.by_reviewer(connection)
            answered = cards.answered_count(connection)
            waiting = cards.open_count(connection)
            unindexed = dataset.unindexed(connection)
        reviewers = tuple(
            ReviewerView(name=row.reviewer, answers=row.answers, skips=row.skips, last_s=row.last_s)
            for row in rows
        )
        return Progress(
            waiting=waiting,
            answered=answered,
            mine=sum(one.answers for one in reviewers if one.name == reviewer),
            unindexed=unindexed,
            reviewers=reviewers,
        )

    def recent(self, limit: int = 50) -> list[ReviewView]:
        """The answers given last, newest first, also undone ones."""
        with self._database.read() as connection:
            return [review_view(row) for row in store.recent(connection, limit)]

    def disagreements(self, limit: int = CONTESTED_SHOWN) -> list[DisagreementView]:
        """Windows of which reviewers say different things; ties first, then the newest."""
        with self._database.read() as connection:
            windows = store.seen_by_several(connection, limit)
            rows = store.in_force(connection, windows)
        found = []
        for _, group in groupby(rows, key=lambda row: row.window_id):
            said = list(group)
            told = consensus(opinion(row) for row in said)
            if told is not None and told.contested:
                found.append(disagreement_view(said, told))
        return sorted(found, key=lambda one: (one.agreed, -one.reviews[-1].id))

    def _claim(self, reviewer: str, beside: Sequence[int], *, second: bool) -> int | None:
        now_s = self._now()
        with self._database.write() as connection:
            store.delete_claims(connection, now_s - CLAIM_S)
            found = cards.waiting(connection, reviewer, now_s, second=second, beside=beside, limit=TRIES)
            for window_id in found:
                if not store.claim(connection, window_id, reviewer, now_s, now_s + CLAIM_S):
                    continue  # another reviewer was quicker
                # Whoever had it before may have answered between the question and the claim.
                if second or store.answers_of(connection, window_id) == 0:
                    return window_id
                store.release(connection, reviewer, [window_id])
        return None


def _verdict(
    connection: Connection, window_id: int, said: str, label_id: int | None
) -> tuple[str, int | None, str | None]:
    """Verdict, label's id, and what that label counts as."""
    if said == ACCEPT:
        row = cards.by_window(connection, window_id)
        acceptance = None if row is None else _acceptance(connection, row.top_label)
        if acceptance is None:
            raise ReviewError("the model said nothing of this window that could be accepted")
        return acceptance.verdict, acceptance.label_id, acceptance.label
    if said not in VERDICTS:
        raise ReviewError(f"an answer is one of {', '.join((*VERDICTS, ACCEPT))}")
    if said != LABEL:
        return said, None, None
    label = None if label_id is None else review_labels.by_id(connection, label_id)
    if label is None:
        raise LabelError("there is no such label; it may have been removed while the card was open")
    return said, label.id, label.name


def _windows(connection: Connection, window_id: int, reviewer: str, *, whole_group: bool) -> list[int]:
    """The windows that an answer is for, the card's own first."""
    windows = [window_id]
    if whole_group:
        group = [one for one in cards.group_of(connection, window_id) if one != window_id]
        mine = {row.window_id for row in store.of_reviewer(connection, reviewer, group)}
        windows += [one for one in group if one not in mine]
    stored = store.stored(connection, windows)
    if window_id not in stored:
        raise UnknownWindowError(
            f"window {window_id} is not stored any more; nothing was kept of this answer"
        )
    return [one for one in windows if one in stored]


def _repeats(
    connection: Connection, window_id: int, reviewer: str, verdict: str, label_id: int | None
) -> bool:
    """Whether the reviewer's last word on the window is just this: an answer that was sent twice."""
    mine = store.of_reviewer(connection, reviewer, [window_id])
    return bool(mine) and (mine[-1].verdict, mine[-1].label_id) == (verdict, label_id)


def _acceptance(connection: Connection, top_label: str | None) -> Acceptance | None:
    if top_label is None:
        return None
    if means_none(top_label):
        return Acceptance(verdict=NONE, label_id=None, label=None)
    named = review_labels.by_name(connection, top_label)
    label = None if named is None else review_labels.by_id(connection, named.id)
    return None if label is None else Acceptance(verdict=LABEL, label_id=label.id, label=label.name)
