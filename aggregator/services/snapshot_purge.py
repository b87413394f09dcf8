"""Takes out of snapshots what is no longer stored. What was begun and cut off is done at the next call."""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from aggregator.errors import SnapshotError, TrainingError
from aggregator.services import durable_files
from aggregator.services import snapshot_files as files
from aggregator.services.retrain import RetrainService
from aggregator.services.snapshot_files import Frozen, OpenFile, WindowPlan
from aggregator.store import snapshots as store
from aggregator.store.database import Database

WHO: Final = "deletion of windows"
ATTEMPTS: Final = 3
_DRAFT: Final = ".draft-"


class SnapshotPurge:
    """Rewrites the snapshots below ``folder``. Safe for use by many processes."""

    def __init__(
        self,
        database: Database,
        trainings: RetrainService,
        folder: Path,
        *,
        now: Callable[[], float] = time.time,
        open_file: OpenFile = durable_files.open_new,
    ) -> None:
        self._database = database
        self._trainings = trainings
        self._folder = folder
        self._now = now
        self._open_file = open_file

    def run(self) -> int:
        """Rewrite every snapshot that holds a deleted window; how many were. Raises ``SnapshotError``."""
        with self._database.read() as connection:
            concerned = store.with_gone_windows(connection)
        for snapshot_id in concerned:
            self._cancel_trainings(snapshot_id)
            self._purge(snapshot_id)
        return len(concerned)

    def _cancel_trainings(self, snapshot_id: int) -> None:
        """A training that learns from it has read what must go."""
        for training in self._trainings.unfinished():
            if training.snapshot_id == snapshot_id and training.cancel_asked_s is None:
                try:
                    self._trainings.cancel(training.id, WHO)
                except TrainingError:
                    continue  # it has just ended

    def _purge(self, snapshot_id: int) -> None:
        try:
            if not any(self._rewrite(snapshot_id) for _ in range(ATTEMPTS)):
                raise SnapshotError(f"snapshot {snapshot_id} is being rewritten all the time")
        except FileNotFoundError as error:
            raise SnapshotError(
                f"snapshot {snapshot_id} is not below {self._folder}; deleted windows are taken out of it "
                "where its folder is"
            ) from error
        except (OSError, ValueError, KeyError) as error:
            why = durable_files.in_words(error) if isinstance(error, OSError) else str(error)
            raise SnapshotError(
                f"deleted windows could not be taken out of snapshot {snapshot_id}: {why}"
            ) from error

    def _rewrite(self, snapshot_id: int) -> bool:
        """Write the snapshot anew without what is gone; False if somebody else was quicker."""
        with self._database.read() as connection:
            before, gone = store.by_id(connection, snapshot_id), store.gone(connection, snapshot_id)
        if before is None or not gone:
            return True
        folder = self._folder / str(snapshot_id)
        draft = self._folder / f"{_DRAFT}{os.getpid()}-{secrets.token_hex(4)}"
        try:
            values = self._write(folder, draft, gone)
            with self._database.write() as connection:
                if store.locked(connection, snapshot_id).digest != before.digest:
                    return False
                # If this is cut off, the next call finds the same windows gone and writes it again.
                for name in (files.WINDOWS, files.DESCRIPTION):
                    (draft / name).replace(folder / name)
                durable_files.sync_folder(folder)
                store.take_out(connection, snapshot_id, sorted(gone), values, self._now())
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return True

    def _write(self, folder: Path, draft: Path, gone: set[int]) -> dict[str, Any]:
        """Write the draft; the columns of the snapshot that it is."""
        old = folder / files.WINDOWS
        plan, peaks = files.read_plan(old)
        kept = [window for window in plan if window.window_id not in gone]
        description = json.loads((folder / files.DESCRIPTION).read_bytes())
        draft.mkdir()
        content = _kept(old, plan, peaks.tolist(), gone)
        digest = files.write_windows(draft / files.WINDOWS, kept, content, self._open_file)
        values = {"digest": digest, "windows": len(kept)}
        files.write_description(draft / files.DESCRIPTION, description | values, self._open_file)
        return values | {"size_bytes": (draft / files.WINDOWS).stat().st_size}


def _kept(path: Path, plan: Sequence[WindowPlan], peaks: Sequence[int], gone: set[int]) -> Iterator[Frozen]:
    for window, peak, frames in zip(plan, peaks, files.read_frames(path, plan), strict=True):
        if window.window_id not in gone:
            yield Frozen(frames=frames, peak_step=peak)
