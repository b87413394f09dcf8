"""The labels that reviewers give: add, rename, merge, mark as private."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from aggregator.domain.label_names import label_name, reviewer_name
from aggregator.errors import LabelError
from aggregator.store import review_labels as store
from aggregator.store.database import Database

DIGITS: Final = range(1, 10)
LAST_DIGIT_OF_MODELS: Final = 8
"""Labels that come with a model leave the last key for the first label of somebody's own."""

LONGEST_DESCRIPTION: Final = 400
FIRST_FREE: Final = 0
"""In place of a key: the first that picks no label yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelView:
    """A label that reviewers can give."""

    id: int
    name: str
    description: str
    private: bool
    """Nodes should not send windows in which they hear it."""
    digit: int | None
    """The key that picks it on a card."""
    reviews: int
    """Answers in force that give it, with those of the labels merged into it."""
    also: tuple[str, ...]
    """Names that count as this one: earlier ones, and those of labels merged into it."""
    made_by: str | None
    """None: it came with a model."""
    made_s: float
    changed_by: str | None
    changed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePlan:
    """What would change if one label were merged into another."""

    label: LabelView
    into: LabelView
    reviews: int
    """Answers that would count as the other from then on."""


class LabelService:
    """Keeps the labels. An id stays with its label whatever that is called. Safe for use by many threads."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def labels(self) -> list[LabelView]:
        """The labels that can be given: those with a key by key, then the others by name."""
        with self._database.read() as connection:
            return _views(connection)

    def label(self, label_id: int) -> LabelView:
        """One label; of a merged one, that which it was merged into. ``LabelError`` if there is none."""
        with self._database.read() as connection:
            return _view(connection, label_id)

    def private_names(self) -> tuple[str, ...]:
        """What nodes should not send: each private label under all of its names."""
        with self._database.read() as connection:
            return tuple(store.private_names(connection))

    def add(
        self,
        name: str,
        by: str,
        *,
        description: str = "",
        private: bool = False,
        digit: int | None = FIRST_FREE,
    ) -> LabelView:
        """A new label, with a key (``FIRST_FREE`` or 1 to 9) or without (None).

        A key that picks another label is taken from it. ``LabelError`` if the name does not suit or is taken.
        """
        name, by = label_name(name), reviewer_name(by)
        with self._database.write() as connection:
            _require_free(connection, name)
            if digit is not None:
                digit = _take_digit(connection, digit)
            store.add(connection, [self._row(name, by, _clean(description), private, digit)])
            return next(view for view in _views(connection) if view.name == name)

    def ensure(self, connection: Connection, names: Iterable[str], by: str | None) -> list[str]:
        """Make sure that labels can be given (``by`` None: they come with a model); those that are new.

        Those that are no labels are passed over.
        """
        fresh = []
        for name in names:
            try:
                suits = label_name(name) == name
            except LabelError:
                continue
            if suits and store.by_name(connection, name) is None:
                digit = _free_digit(connection, DIGITS[-1] if by else LAST_DIGIT_OF_MODELS)
                store.add(connection, [self._row(name, by, "", False, digit)])
                fresh.append(name)
        return fresh

    def rename(self, label_id: int, name: str, by: str) -> LabelView:
        """Call a label ``name``; it keeps its id and its answers, and answers to its earlier name, too."""
        name, by = label_name(name), reviewer_name(by)
        with self._database.write() as connection:
            label = _row(connection, label_id)
            if label.name != name:
                self._rename(connection, label, name, by)
            return _view(connection, label.id)

    def change(
        self,
        label_id: int,
        by: str,
        *,
        description: str | None = None,
        private: bool | None = None,
    ) -> LabelView:
        """Describe a label, or mark it as private or not; None leaves as it is."""
        columns: dict[str, Any] = {}
        if description is not None:
            columns["description"] = _clean(description)
        if private is not None:
            columns["private"] = private
        return self._change(label_id, by, columns)

    def set_digit(self, label_id: int, digit: int | None, by: str) -> LabelView:
        """Let a key from 1 to 9 pick this label, or none; whichever it picked before has none then."""
        by = reviewer_name(by)
        with self._database.write() as connection:
            label = _row(connection, label_id)
            if digit is not None and digit != label.digit:
                digit = _take_digit(connection, digit)
            store.change(connection, label.id, {"digit": digit} | self._changed(by))
            return _view(connection, label.id)

    def merge_plan(self, label_id: int, into_id: int) -> MergePlan:
        """What merging would change. ``LabelError`` if the two cannot be merged."""
        with self._database.read() as connection:
            return _plan(connection, label_id, into_id)

    def merge(self, label_id: int, into_id: int, by: str) -> MergePlan:
        """Let a label count as another from now on; what was changed."""
        by = reviewer_name(by)
        with self._database.write() as connection:
            plan = _plan(connection, label_id, into_id)
            store.point_to(connection, plan.label.id, plan.into.id)
            # A private label must not become public by a merge.
            private = plan.into.private or plan.label.private
            store.change(connection, plan.label.id, self._changed(by))
            store.change(connection, plan.into.id, {"private": private} | self._changed(by))
            return plan

    def _rename(self, connection: Connection, label: Any, name: str, by: str) -> None:
        taken = store.by_name(connection, name)
        if taken is not None and taken.merged_into != label.id:
            raise LabelError(f"there is a label “{name}” already; merge the two instead")
        if taken is not None:
            store.swap_names(connection, label.id, name, taken.id, label.name)
            store.change(connection, label.id, self._changed(by))
            return
        store.change(connection, label.id, {"name": name} | self._changed(by))
        earlier = self._row(label.name, by, "", False, None) | {"merged_into": label.id}
        store.add(connection, [earlier])

    def _change(self, label_id: int, by: str, columns: dict[str, Any]) -> LabelView:
        by = reviewer_name(by)
        with self._database.write() as connection:
            label = _row(connection, label_id)
            store.change(connection, label.id, columns | self._changed(by))
            return _view(connection, label.id)

    def _row(
        self, name: str, by: str | None, description: str, private: bool, digit: int | None
    ) -> dict[str, Any]:
        now_s = self._now()
        return {
            "name": name,
            "description": description,
            "private": private,
            "digit": digit,
            "made_by": by,
            "made_s": now_s,
            "changed_by": by,
            "changed_s": now_s,
        }

    def _changed(self, by: str) -> dict[str, Any]:
        return {"changed_by": by, "changed_s": self._now()}


def _views(connection: Connection) -> list[LabelView]:
    counts = store.reviews_by_label(connection)
    also: dict[int, list[Any]] = {}
    for row in store.all_rows(connection):
        if row.merged_into is not None:
            also.setdefault(row.merged_into, []).append(row)
    return [
        LabelView(
            id=row.id,
            name=row.name,
            description=row.description,
            private=row.private,
            digit=row.digit,
            reviews=sum(counts.get(one.id, 0) for one in (row, *also.get(row.id, ()))),
            also=tuple(one.name for one in also.get(row.id, ())),
            made_by=row.made_by,
            made_s=row.made_s,
            changed_by=row.changed_by,
            changed_s=row.changed_s,
        )
        for row in store.active(connection)
    ]


def _view(connection: Connection, label_id: int) -> LabelView:
    wanted = _row(connection, label_id).id
    return next(view for view in _views(connection) if view.id == wanted)


def _row(connection: Connection, label_id: int) -> Any:
    row = store.by_id(connection, label_id)
    if row is None:
        raise LabelError(f"there is no label number {label_id}")
    return row


def _plan(connection: Connection, label_id: int, into_id: int) -> MergePlan:
    label, into = _view(connection, label_id), _view(connection, into_id)
    if label.id == into.id:
        raise LabelError(f"“{label.name}” cannot be merged into itself")
    return MergePlan(label=label, into=into, reviews=label.reviews)


def _require_free(connection: Connection, name: str) -> None:
    taken = store.by_name(connection, name)
    if taken is not None and taken.merged_into is not None:
        label = _row(connection, taken.id)
        raise LabelError(f"“{name}” is another name of “{label.name}”")
    if taken is not None:
        raise LabelError(f"there is a label “{name}” already")


def _take_digit(connection: Connection, digit: int) -> int | None:
    """``digit``, free now; for ``FIRST_FREE`` the first free one, if there is one."""
    if digit == FIRST_FREE:
        return _free_digit(connection, DIGITS[-1])
    if digit not in DIGITS:
        raise LabelError(f"a label's key is one of {DIGITS[0]} to {DIGITS[-1]}")
    holder = store.digits(connection).get(digit)
    if holder is not None:
        store.change(connection, holder, {"digit": None})
    return digit


def _free_digit(connection: Connection, last: int) -> int | None:
    taken = store.digits(connection)
    return next((digit for digit in DIGITS if digit <= last and digit not in taken), None)


def _clean(description: str) -> str:
    text = " ".join(description.split())
    if len(text) > LONGEST_DESCRIPTION:
        raise LabelError(f"a description has at most {LONGEST_DESCRIPTION} characters")
    return text
