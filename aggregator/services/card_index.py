"""Makes a card of each window, and keeps the order of the queue true, in small steps.

A step reads few windows, computes outside of any transaction, and writes for some milliseconds: ingest goes
on meanwhile, and memory stays bounded however many windows there are.
"""

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection

from aggregator.domain import value
from aggregator.domain.fingerprints import fingerprint, nearest
from aggregator.domain.guesses import guess
from aggregator.domain.label_names import means_none
from aggregator.domain.value import Answered, Parts
from aggregator.services.labels import LabelService
from aggregator.services.sites import site_of
from aggregator.store import cards as store
from aggregator.store import dataset, review_labels, reviews, updates
from aggregator.store.database import Database

WINDOWS_AT_ONCE: Final = 20
VALUES_AT_ONCE: Final = 400
COMPARED_WITH: Final = 200
"""A window is compared with so many of the newest cards of its node that look alike to the model."""

SURROUNDINGS_S: Final = 5.0
LEAST_CHANGE: Final = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """What the value of a card depends on beside the card: answers so far, sites, what labels count as."""

    answered: Answered = field(default_factory=Answered)
    nodes: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Id → name and site."""
    meant: dict[str, str] = field(default_factory=dict)
    """A label's name → the name that it counts as."""

    def parts(self, row: dict[str, Any]) -> Parts:
        """The value of a card with these columns."""
        node, site = self.nodes.get(row["node_id"], ("", ""))
        label = row["top_label"]
        known = None if label is None or means_none(label) else self.meant.get(label, label)
        return Parts(
            uncertainty=value.doubt(row["uncertainty"], label, known, self.answered),
            rarity=value.rarity(label, known, self.answered),
            novelty=value.novelty(node, site, self.answered),
            disagreement=row["disagreement"],
            reason=value.reason(row["reason"]),
        )


class CardIndex:
    """Works through new windows, then through changed values. Used by one thread at a time."""

    def __init__(
        self, database: Database, labels: LabelService, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._labels = labels
        self._clock = clock
        self._known_labels: set[str] = set()
        self._surroundings = _Surroundings()
        self._surroundings_s = -math.inf
        self._valued_state: tuple[Any, ...] | None = None
        self._valuing: tuple[Any, ...] | None = None
        self._valued_to = 0

    def step(self) -> bool:
        """Do one small piece of work; whether there is more to do at once. Raises ``StoreError``."""
        with self._database.read() as connection:
            fresh = store.unindexed(connection, WINDOWS_AT_ONCE)
            self._look_around(connection)
        if fresh:
            self._add(fresh)
            return True
        return self._value_some()

    def finish(self) -> int:
        """Work until there is nothing to do; in how many steps."""
        steps = 1
        while self.step():
            steps += 1
        return steps

    def _add(self, windows: Sequence[Any]) -> None:
        drafts = self._grouped([_draft(window) for window in windows])
        labels = {window.labels for window in windows} - self._known_labels
        wanted = {draft[name] for draft in drafts for name in ("window_id", "representative")} - {None}
        with self._database.write() as connection:
            for text in sorted(labels):
                self._labels.ensure(connection, json.loads(text), None)
            stored = reviews.stored(connection, sorted(wanted))
            for draft in drafts:
                if draft["window_id"] in stored:  # it may have been deleted meanwhile
                    standing = draft["representative"] if draft["representative"] in stored else None
                    self._add_one(connection, draft | {"representative": standing})
        self._known_labels |= labels

    def _grouped(self, drafts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """``drafts`` with the card that stands for each one's group, found before anything is locked."""
        alike: dict[tuple[Any, ...], list[tuple[int, bytes]]] = {}
        grouped = []
        for draft in drafts:
            kind = draft["node_id"], draft["top_label"], draft["frontend_digest"]
            if kind not in alike:
                with self._database.read() as connection:
                    alike[kind] = store.fingerprints(connection, *kind, COMPARED_WITH)
            near = nearest(draft["fingerprint"], [print_ for _, print_ in alike[kind]])
            grouped.append(draft | {"representative": None if near is None else alike[kind][near][0]})
            if near is None:
                alike[kind].append((draft["window_id"], draft["fingerprint"]))
        return grouped

    def _add_one(self, connection: Connection, draft: dict[str, Any]) -> None:
        mine = (draft["top_label"], draft["posterior"])
        contradicting = _between_versions(connection, draft)
        for other in store.of_other_models(connection, draft):
            found = value.disagreement(mine, [(other.top_label, other.posterior)])
            store.raise_disagreement(connection, other.window_id, found)
            contradicting = max(contradicting, found)
            self._valued_state = None  # the other card is worth more than before
        row = draft | {"disagreement": contradicting, "answers": 0}
        store.add(connection, {name: row[name] for name in row if name != "boot_id"} | self._worth(row))

    def _worth(self, row: dict[str, Any]) -> dict[str, float]:
        parts = self._surroundings.parts(row)
        return {
            "doubt": parts.uncertainty,
            "rarity": parts.rarity,
            "novelty": parts.novelty,
            "value": parts.value,
        }

    def _value_some(self) -> bool:
        """Bring some values up to date; whether there are more."""
        with self._database.read() as connection:
            state = (*reviews.state(connection), len(self._known_labels))
            if self._valuing is None:
                if state == self._valued_state:
                    return False
                self._valuing, self._valued_to = state, 0
                self._surroundings = _look(connection)
            rows = store.to_value(connection, self._valued_to, VALUES_AT_ONCE)
        changed = []
        for row in rows:
            worth = self._worth(row._asdict())
            if abs(worth["value"] - row.value) >= LEAST_CHANGE:
                changed.append({"key": row.window_id} | worth)
        if changed:
            with self._database.write() as connection:
                store.save_values(connection, changed)
        if len(rows) < VALUES_AT_ONCE:
            self._valued_state, self._valuing = self._valuing, None
            return False
        self._valued_to = rows[-1].window_id
        return True

    def _look_around(self, connection: Connection) -> None:
        if self._clock() - self._surroundings_s > SURROUNDINGS_S:
            self._surroundings, self._surroundings_s = _look(connection), self._clock()


def _between_versions(connection: Connection, draft: dict[str, Any]) -> float:
    """How strongly a candidate in the shadow contradicts; a half if the window came before it was said."""
    if draft["reason"] != "disagreement":
        return 0.0
    said = updates.around(connection, draft["boot_id"], draft["start_s"], draft["end_s"])
    return max((value.between_versions(row.posterior, row.candidate_posterior) for row in said), default=0.5)


def _draft(window: Any) -> dict[str, Any]:
    """What a card says of its window alone."""
    labels = json.loads(window.labels)
    steps = np.frombuffer(window.posteriors, np.uint8).reshape(-1, len(labels))
    posteriors = steps.astype(np.float32) / np.float32(255)
    told = guess(labels, posteriors)
    return {
        "window_id": window.id,
        "boot_id": window.boot_id,
        "node_id": window.node_id,
        "model": window.model,
        "frontend_digest": window.frontend_digest,
        "reason": window.reason,
        "start_s": window.start_s,
        "end_s": window.end_s,
        "top_label": told.label,
        "posterior": told.posterior,
        "uncertainty": value.uncertainty(told),
        "fingerprint": fingerprint(np.frombuffer(window.frames, np.int8).reshape(-1, window.mel_bins)),
    }


def _look(connection: Connection) -> _Surroundings:
    nodes = {row.id: (row.name, site_of(row.birth)) for row in dataset.births(connection)}
    meant = review_labels.meant(connection)
    return _Surroundings(answered=_answered(connection, nodes), nodes=nodes, meant=meant)


def _answered(connection: Connection, nodes: Mapping[int, tuple[str, str]]) -> Answered:
    by_label: Counter[str | None] = Counter()
    by_guess: dict[str | None, Counter[str | None]] = {}
    by_node: Counter[str] = Counter()
    by_site: Counter[str] = Counter()
    for row in store.answered(connection):
        node, site = nodes[row.node_id]
        by_label[row.label] += row.count
        by_guess.setdefault(row.top_label, Counter())[row.label] += row.count
        by_node[node] += row.count
        by_site[site] += row.count
    return Answered(by_label=by_label, by_guess=by_guess, by_node=by_node, by_site=by_site)
