"""Freezes the reviewed windows, so that a training learns from one state of the data set."""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from aggregator.errors import SnapshotError
from aggregator.services import durable_files
from aggregator.services import snapshot_files as files
from aggregator.services.snapshot_files import Frozen, OpenFile, WindowPlan
from aggregator.services.snapshot_labels import SPLITS, Chosen, ReviewedWindows, choose
from aggregator.store import review_labels
from aggregator.store import snapshots as store
from aggregator.store.database import Database
from contract.audio import MEL_BINS

SLICE: Final = 200
"""Windows in memory at once."""
ATTEMPTS: Final = 3
_DRAFT: Final = ".draft-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base archive and the bundle that it belongs to."""

    name: str
    digest: str
    frontend_digest: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotDeletion:
    """Windows that were deleted, and taken out of a snapshot."""

    windows: int
    deleted_s: float
    digest_before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotView:
    """A frozen state of the data set."""

    id: int
    digest: str
    frontend_digest: str
    base: str
    base_digest: str
    labels: tuple[str, ...]
    left_out: dict[str, int]
    """New labels with too few windows to learn them."""
    windows: int
    size_bytes: int
    made_s: float
    deletions: tuple[SnapshotDeletion, ...] = ()
    """What was taken out of it since, the oldest first. Releases made before have learned from that, too."""


class _WindowsGoneError(Exception):
    """Windows were deleted while they were frozen."""


class SnapshotService:
    """Writes snapshots below ``folder``, one folder each. One process at a time freezes."""

    def __init__(
        self,
        database: Database,
        dataset: ReviewedWindows,
        folder: Path,
        *,
        new_label_windows: int = 8,
        now: Callable[[], float] = time.time,
        open_file: OpenFile = durable_files.open_new,
    ) -> None:
        self._database = database
        self._dataset = dataset
        self._folder = folder
        self._new_label_windows = new_label_windows
        self._now = now
        self._open_file = open_file

    def freeze(
        self, base: Base, told: Callable[[int, int], None] = lambda _done, _total: None
    ) -> SnapshotView:
        """A snapshot of every agreed review as it is now. ``told`` hears of windows done and in all.

        Raises ``SnapshotError`` if there is nothing to freeze or it cannot be written; then nothing is left.
        """
        for _ in range(ATTEMPTS):
            chosen = choose(
                self._dataset.reviewed(base.frontend_digest),
                base.labels,
                least=self._new_label_windows,
                meant=self.meant(),  # read after the reviews: whoever renames in between changes nothing
            )
            try:
                return self._write(base, chosen, told)
            except _WindowsGoneError:
                continue  # the next look no longer finds them
        raise SnapshotError("windows are being deleted all the time; ask again later")

    def find(self, snapshot_id: int) -> SnapshotView | None:
        """A snapshot by its id."""
        with self._database.read() as connection:
            row = store.by_id(connection, snapshot_id)
            deletions = store.deletions_of(connection, snapshot_id)
        return None if row is None else snapshot_view(row, deletions)

    def path(self, snapshot_id: int) -> Path:
        """The folder of a snapshot."""
        return self._folder / str(snapshot_id)

    def new_labels(self, frontend_digest: str) -> int:
        """How many agreed reviews the snapshot made last does not hold, or holds differently."""
        with self._database.read() as connection:
            frozen = store.labels_of_newest(connection)
        meant = self.meant()
        today = {window_id: label and meant.get(label, label) for window_id, label in frozen.items()}
        return sum(
            one.window_id not in today or today[one.window_id] != one.label
            for one in self._dataset.reviewed(frontend_digest)
            if one.agreed
        )

    def meant(self) -> dict[str, str]:
        """What each name of a label counts as today."""
        with self._database.read() as connection:
            return review_labels.meant(connection)

    def tidy(self) -> None:
        """Remove what a killed process has left; call it while nobody freezes."""
        with self._database.read() as connection:
            known = {str(snapshot_id) for snapshot_id in store.ids(connection)}
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if path.name not in known:
                    shutil.rmtree(path, ignore_errors=True)

    def _write(self, base: Base, chosen: Chosen, told: Callable[[int, int], None]) -> SnapshotView:
        plan = self._plan(chosen)
        if not plan:
            raise SnapshotError(
                "no reviewed window of this front end is there to learn from; review some first"
            )
        draft = self._folder / f"{_DRAFT}{os.getpid()}-{secrets.token_hex(4)}"
        try:
            draft.mkdir(parents=True)
            content = self._content(plan, base.frontend_digest, told)
            digest = files.write_windows(draft / files.WINDOWS, plan, content, self._open_file)
            row = self._row(base, chosen, plan, digest)
            row["size_bytes"] = (draft / files.WINDOWS).stat().st_size
            self._describe(draft, chosen, row)
            durable_files.sync_folder(draft)
            return self._enter(draft, row, plan, chosen)
        except OSError as error:
            raise SnapshotError(
                f"the snapshot could not be written below {self._folder}: {durable_files.in_words(error)}; "
                "nothing was left behind"
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _plan(self, chosen: Chosen) -> list[WindowPlan]:
        indices = {label: index for index, label in enumerate(chosen.labels)}
        reviews = sorted(chosen.reviews, key=lambda one: one.window_id)
        plan = []
        for some in _slices(reviews):
            with self._database.read() as connection:
                lengths = store.lengths(connection, [one.window_id for one in some])
            plan += [
                WindowPlan(
                    window_id=one.window_id,
                    label=files.NO_LABEL if one.label is None else indices[one.label],
                    split=SPLITS.index(one.split),
                    frames=lengths[one.window_id] // MEL_BINS,
                )
                for one in some
                if lengths.get(one.window_id)
            ]
        return plan

    def _content(
        self, plan: Sequence[WindowPlan], frontend_digest: str, told: Callable[[int, int], None]
    ) -> Iterator[Frozen]:
        done = 0
        for some in _slices(plan):
            with self._database.read() as connection:
                rows = store.contents(connection, [one.window_id for one in some])
            for one in some:
                row = rows.get(one.window_id)
                if row is None:
                    raise _WindowsGoneError
                if row.frontend_digest != frontend_digest or row.mel_bins != MEL_BINS:
                    raise SnapshotError(f"window {one.window_id} is of another front end")
                peak = files.peak_step(row.posteriors, json.loads(row.labels), row.step_ms)
                yield Frozen(frames=row.frames, peak_step=peak)
            done += len(some)
            told(done, len(plan))

    def _row(self, base: Base, chosen: Chosen, plan: Sequence[WindowPlan], digest: str) -> dict[str, Any]:
        return {
            "digest": digest,
            "frontend_digest": base.frontend_digest,
            "base": base.name,
            "base_digest": base.digest,
            "labels": json.dumps(chosen.labels, ensure_ascii=False),
            "left_out": json.dumps(chosen.left_out, ensure_ascii=False),
            "windows": len(plan),
            "made_s": self._now(),
        }

    def _describe(self, draft: Path, chosen: Chosen, row: dict[str, Any]) -> None:
        description = {
            "frontend_digest": row["frontend_digest"], "labels": list(chosen.labels), "none": chosen.none,
            "made_s": row["made_s"], "windows": row["windows"], "digest": row["digest"],
        }  # fmt: skip
        files.write_description(draft / files.DESCRIPTION, description, self._open_file)

    def _enter(
        self, draft: Path, row: dict[str, Any], plan: Sequence[WindowPlan], chosen: Chosen
    ) -> SnapshotView:
        """Give the draft its number and its place, together."""
        placed: Path | None = None
        try:
            with self._database.write() as connection:
                snapshot_id = store.add(connection, row)
                names = {one.window_id: one.label for one in chosen.reviews}
                held = [
                    {
                        "snapshot_id": snapshot_id, "window_id": one.window_id,
                        "label": names[one.window_id], "split": SPLITS[one.split],
                    }
                    for one in plan
                ]  # fmt: skip
                store.add_windows(connection, held)
                # Else one that was deleted just now would live on here.
                for some in _slices(plan):
                    if store.hold(connection, [one.window_id for one in some]) != len(some):
                        raise _WindowsGoneError
                target = self.path(snapshot_id)
                # A number is given out again if its transaction failed; then nothing but a ruin is there.
                shutil.rmtree(target, ignore_errors=True)
                draft.rename(target)
                placed = target
                durable_files.sync_folder(self._folder)
        except BaseException:
            if placed is not None:
                shutil.rmtree(placed, ignore_errors=True)
            raise
        found = self.find(snapshot_id)
        assert found is not None  # noqa: S101
        return found


def snapshot_view(row: Any, deletions: Sequence[Any] = ()) -> SnapshotView:
    """The view of a row, with those of what was taken out of it."""
    return SnapshotView(
        id=row.id,
        digest=row.digest,
        frontend_digest=row.frontend_digest,
        base=row.base,
        base_digest=row.base_digest,
        labels=tuple(json.loads(row.labels)),
        left_out=json.loads(row.left_out),
        windows=row.windows,
        size_bytes=row.size_bytes,
        made_s=row.made_s,
        deletions=tuple(
            SnapshotDeletion(windows=one.windows, deleted_s=one.deleted_s, digest_before=one.digest_before)
            for one in deletions
        ),
    )


def _slices(items: Sequence[Any]) -> Iterator[list[Any]]:
    left = iter(items)
    while some := list(islice(left, SLICE)):
        yield some
