"""Computes what drifted, node by node, in small steps beside the dashboard.

Cost of one node, whatever is stored: one range of its detections in the index, grouped by the database; 720
hours of levels that were summed up once; three hours of one-second levels; 80 windows of features (0.8 MB).
An hour of levels is read once, a day per step at most.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from aggregator.domain import drift_alerts as rules
from aggregator.domain import drift_levels, drift_rates, drift_spectra
from aggregator.domain.drift_levels import LevelHour, level_hour
from aggregator.domain.drift_limits import USUAL_LIMITS, DriftLimits
from aggregator.domain.drift_posteriors import BUCKETS, stability_index
from aggregator.domain.drift_rates import Rate
from aggregator.domain.drift_spectra import Spectrum
from aggregator.services.drift_findings import findings
from aggregator.services.drift_views import DriftView, LabelDrift, to_text
from aggregator.services.rows import LEVELS_PER_DB
from aggregator.store import drift as store
from aggregator.store.database import Database
from contract.audio import MEL_BINS

HOUR_S: Final = 3600.0
EVERY_S: Final = 600.0
"""A node is looked at so often."""
RATE_S: Final = 6 * HOUR_S
POSTERIORS_S: Final = 24 * HOUR_S
RECENT_S: Final = 24 * HOUR_S
"""The reference ends so long before now."""
REFERENCE_S: Final = 28 * 24 * HOUR_S
SHOWN_S: Final = 48 * HOUR_S
KEPT_S: Final = 60 * 24 * HOUR_S
"""Hours of levels; more than the reference of an alert that lasts."""
WINDOWS: Final = 40
"""Windows of features looked at, now and in the reference each."""


class DriftIndex:
    """Works through the nodes. Used by one thread at a time."""

    def __init__(
        self,
        database: Database,
        limits: DriftLimits = USUAL_LIMITS,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._limits = database, limits
        self._now = now

    def step(self) -> bool:
        """Look at one node, or sum up a day of its levels; whether there is more. Raises ``StoreError``."""
        now_s = self._now()
        with self._database.read() as connection:
            node = store.due(connection, now_s - EVERY_S)
        if node is None:
            return False
        if not self._sum_up(node.id, now_s):
            self._look(node, now_s)
        return True

    def finish(self) -> None:
        """Work until every node was looked at."""
        while self.step():
            pass

    def _sum_up(self, node_id: int, now_s: float) -> bool:
        """Sum up the next hours of a node's levels that are over; False if there are none."""
        over_s = now_s // HOUR_S * HOUR_S
        with self._database.read() as connection:
            last_s = store.last_hour_s(connection, node_id)
            since_s = now_s - KEPT_S if last_s is None else last_s + HOUR_S
            first_s = store.first_level_s(connection, node_id, since_s)
            if first_s is None or first_s >= over_s:
                return False
            begin_s = first_s // HOUR_S * HOUR_S
            end_s = min(begin_s + 24 * HOUR_S, over_s)
            made = _hours(store.stretches(connection, node_id, max(begin_s, since_s), end_s))
        with self._database.write() as connection:
            store.add_hours(connection, [_hour_row(node_id, one) for one in made])
            store.delete_hours(connection, now_s - KEPT_S)
        return bool(made)

    def _look(self, node: Any, now_s: float) -> None:
        with self._database.read() as connection:
            alerts = [_open(row) for row in store.open_alerts(connection, node.id)]
            until_s = rules.reference_end_s(now_s, RECENT_S, alerts)
            recent = _recent(connection, node.id, now_s)
            reference = _kept(connection, node.id, until_s - REFERENCE_S, until_s)
            digest, spectrum = _spectrum(connection, node.id, now_s - 3 * HOUR_S, now_s, None)
            _, usual = _spectrum(connection, node.id, until_s - REFERENCE_S, until_s, digest)
            view = DriftView(
                node=node.name,
                made_s=now_s,
                since_s=until_s - REFERENCE_S,
                until_s=until_s,
                reference_hours=sum(one.says_something for one in reference),
                level=drift_levels.together(recent),
                usual_level=drift_levels.usual(reference),
                hours=tuple(_kept(connection, node.id, now_s - SHOWN_S, now_s)),
                labels=tuple(_labels(connection, node.id, now_s, until_s, reference, self._limits)),
                spectrum=spectrum,
                usual_spectrum=usual,
                risen_bins=drift_spectra.risen(spectrum, usual),
            )
        found = findings(view, recent, reference, self._limits)
        changes = rules.changes(found, alerts, now_s, self._limits)
        with self._database.write() as connection:
            store.save(connection, node.id, now_s, to_text(view))
            _keep_alerts(connection, node.id, changes, now_s)


def _keep_alerts(connection: Connection, node_id: int, changes: rules.Changes, now_s: float) -> None:
    for one in changes.begin:
        row = {"kind": one.kind, "label": one.label, "sentence": one.sentence}
        store.begin_alert(connection, row | {"node_id": node_id, "begun_s": now_s, "held_s": now_s})
    for alert_id, one in changes.hold:
        store.change_alert(connection, alert_id, held_s=now_s, sentence=one.sentence)
    for alert_id in changes.end:
        store.change_alert(connection, alert_id, ended_s=now_s)


def _labels(
    connection: Connection,
    node_id: int,
    now_s: float,
    until_s: float,
    reference: Sequence[LevelHour],
    limits: DriftLimits,
) -> list[LabelDrift]:
    blocks = _heard_blocks(reference, until_s)
    now = _table(store.counts(connection, node_id, now_s - RATE_S, now_s, RATE_S), 1)
    since_s = until_s - REFERENCE_S
    before = _table(store.counts(connection, node_id, since_s, until_s, RATE_S), round(REFERENCE_S / RATE_S))
    sure = _table(store.posteriors(connection, node_id, now_s - POSTERIORS_S, now_s), BUCKETS)
    usual = _table(store.posteriors(connection, node_id, since_s, until_s), BUCKETS)
    nothing = [0] * BUCKETS
    found = []
    for label in sorted(now.keys() | before.keys() | sure.keys()):
        counts = before.get(label, [0] * round(REFERENCE_S / RATE_S))
        rate = Rate(
            count=sum(now.get(label, [])), hours=RATE_S / HOUR_S,
            blocks=tuple(count for count, heard in zip(counts, blocks, strict=True) if heard or count),
        )  # fmt: skip
        mine, theirs = sure.get(label, nothing), usual.get(label, nothing)
        found.append(
            LabelDrift(
                label=label, count=rate.count, per_hour=rate.per_hour, usual_per_hour=rate.usual_per_hour,
                chance=drift_rates.chance(rate), floods=drift_rates.is_flood(rate, limits),
                shift=stability_index(mine, theirs), posteriors=tuple(mine), usual_posteriors=tuple(theirs),
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: (not one.floods, -one.per_hour, one.label))


def _heard_blocks(reference: Sequence[LevelHour], until_s: float) -> list[bool]:
    """In which blocks of the reference the node was listening at all, judged by its levels."""
    heard = [False] * round(REFERENCE_S / RATE_S)
    for one in reference:
        place = int((one.start_s - (until_s - REFERENCE_S)) // RATE_S)
        heard[min(max(place, 0), len(heard) - 1)] |= one.says_something
    return heard


def _table(rows: Sequence[Any], places: int) -> dict[str, list[int]]:
    table: dict[str, list[int]] = {}
    for row in rows:
        table.setdefault(row.label, [0] * places)[min(max(row.place, 0), places - 1)] += row.count
    return table


def _spectrum(
    connection: Connection, node_id: int, since_s: float, until_s: float, digest: str | None
) -> tuple[str | None, Spectrum | None]:
    """The front end (the newest one, or ``digest``) and the noise floor of windows spread over a time."""
    found = store.window_ids(connection, node_id, since_s, until_s)
    if not found:
        return digest, None
    wanted = digest or found[-1][1]
    ids = [window_id for window_id, front_end in found if front_end == wanted]
    some = ids[:: max(1, -(-len(ids) // WINDOWS))]
    frames = [np.frombuffer(one, np.int8) for one in store.frames(connection, some)]
    return wanted, drift_spectra.spectrum([_framed(one) for one in frames if one.size])


def _framed(frames: NDArray[np.int8]) -> NDArray[np.int8]:
    return frames.reshape(-1, MEL_BINS)


def _recent(connection: Connection, node_id: int, now_s: float) -> list[LevelHour]:
    """The last three hours up to now, each with the levels that were heard in it."""
    found = []
    for ago in (3, 2, 1):
        since_s = now_s - ago * HOUR_S
        levels = _levels(store.stretches(connection, node_id, since_s, since_s + HOUR_S))
        if (one := level_hour(since_s, levels)) is not None:
            found.append(one)
    return found


def _kept(connection: Connection, node_id: int, since_s: float, until_s: float) -> list[LevelHour]:
    return [
        LevelHour(
            start_s=row.start_s, seconds=row.seconds, low_dbfs=row.low_dbfs, middle_dbfs=row.middle_dbfs,
            high_dbfs=row.high_dbfs,
        )
        for row in store.hours(connection, node_id, since_s, until_s)
    ]  # fmt: skip


def _hours(stretches: Sequence[Any]) -> list[LevelHour]:
    """The hours that stretches of levels begin in."""
    by_hour: dict[float, list[Any]] = {}
    for row in stretches:
        by_hour.setdefault(row.start_s // HOUR_S * HOUR_S, []).append(row)
    made = (level_hour(begin_s, _levels(rows)) for begin_s, rows in by_hour.items())
    return [one for one in made if one is not None]


def _levels(stretches: Sequence[Any]) -> NDArray[np.float64]:
    return np.frombuffer(b"".join(row.values for row in stretches), "<i2") / LEVELS_PER_DB


def _hour_row(node_id: int, hour: LevelHour) -> dict[str, Any]:
    return {
        "node_id": node_id, "start_s": hour.start_s, "seconds": hour.seconds, "low_dbfs": hour.low_dbfs,
        "middle_dbfs": hour.middle_dbfs, "high_dbfs": hour.high_dbfs,
    }  # fmt: skip


def _open(row: Any) -> rules.Open:
    return rules.Open(id=row.id, kind=row.kind, label=row.label, begun_s=row.begun_s, held_s=row.held_s)
