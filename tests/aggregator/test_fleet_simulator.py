"""Whatever the network does and whenever ingest falls over: stored + declared = produced, none twice."""

from collections.abc import Sequence

import pytest

from aggregator.errors import StoreError
from aggregator.services.inbox import Incoming
from aggregator.services.ingest import IngestService, Outcome
from aggregator.services.statistics import StatisticsService
from aggregator.store.database import Database
from tests.aggregator.fleet_simulator import FleetSimulator
from tests.aggregator.messages import NAMESPACE, NOW_S


class ShakyIngest:
    """An ingest that now and then starts anew, before or after its commit."""

    def __init__(self, database: Database, fleet: FleetSimulator) -> None:
        self._database = database
        self._dice = fleet.dice
        self._service = self._fresh()

    def store(self, batch: Sequence[Incoming]) -> Outcome:
        fate = self._dice.random()
        if fate < 0.1:  # killed before the commit
            self._service = self._fresh()
            return _NOTHING
        outcome = self._service.store(batch)
        if fate > 0.9:  # killed between commit and acknowledgement
            self._service = self._fresh()
            return _NOTHING
        return outcome

    def _fresh(self) -> IngestService:
        return IngestService(self._database, NAMESPACE, now=lambda: NOW_S)


_NOTHING = Outcome(receipts=(), stored=0, duplicates=0, quarantined=0)


@pytest.mark.parametrize("seed", range(6))
def test_stored_and_declared_are_what_was_produced(any_database: Database, seed: int) -> None:
    fleet = FleetSimulator(seed)
    ingest = ShakyIngest(any_database, fleet)
    for number in range(70):
        fleet.step(ingest.store, outage=20 < number < 45)
    for _ in range(300):
        if fleet.settled:
            break
        fleet.step(ingest.store, quiet=True)
    assert fleet.settled
    told = StatisticsService(any_database)
    summary = told.summary()
    assert summary.stored + summary.gaps == fleet.produced
    assert summary.gaps > 0
    assert summary.duplicates > 0
    assert summary.quarantined == 0
    assert told.stored_twice() == 0


def test_a_full_disk_loses_nothing(database: Database) -> None:
    fleet = FleetSimulator(1)
    service = IngestService(database, NAMESPACE)
    refusals: list[str] = []

    def store(batch: Sequence[Incoming]) -> Outcome:
        try:
            return service.store(batch)
        except StoreError as error:
            refusals.append(str(error))
            return _NOTHING

    _set_limit(database, _pages(database) + 20)
    for _ in range(60):
        fleet.step(store)
    _set_limit(database, 10**6)
    while not fleet.settled:
        fleet.step(service.store, quiet=True)
    told = StatisticsService(database)
    assert refusals[0] == "database or disk is full"
    assert told.summary().stored + told.summary().gaps == fleet.produced
    assert told.stored_twice() == 0


def _pages(database: Database) -> int:
    with database.read() as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())


def _set_limit(database: Database, pages: int) -> None:
    """Make SQLite believe that the disk ends there."""
    with database.read() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
