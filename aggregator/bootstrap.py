"""The composition root: the only place that chooses implementations and wires them."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aggregator.errors import StoreError
from aggregator.settings import Settings
from aggregator.store import schema
from aggregator.store.database import Database

if TYPE_CHECKING:
    from aggregator.mqtt.subscriber import Subscriber
    from aggregator.services.catalogue import Services
    from aggregator.services.indexing import Indexing

_log = logging.getLogger(__name__)


def database(settings: Settings, *, migrate: bool) -> Database:
    """The database, of the version that this program needs.

    With ``migrate`` a new or older one is brought to it; otherwise ``StoreError`` says what to do.
    """
    _make_folder(settings)
    opened = Database(settings.database_url)
    try:
        if migrate:
            _migrate(opened)
        else:
            schema.require_current(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _migrate(opened: Database) -> None:
    state = schema.inspect(opened)
    if state.current:
        return
    before = f"version {state.found}" if state.found else "empty"
    _log.info("migrating the database %s: %s, needed is %s", opened.name, before, state.needed)
    schema.migrate(opened)


def services(settings: Settings, opened: Database) -> "Services":
    """What the dashboard is given."""
    from aggregator.services.accounts import AccountService
    from aggregator.services.catalogue import Services
    from aggregator.services.commands import CommandService
    from aggregator.services.dataset import DatasetService
    from aggregator.services.detections import DetectionService
    from aggregator.services.fleet import FleetService
    from aggregator.services.label_files import LabelFileService
    from aggregator.services.labels import LabelService
    from aggregator.services.live import LiveFeed
    from aggregator.services.review import ReviewService
    from aggregator.services.sampling import SamplingService
    from aggregator.services.statistics import StatisticsService

    silent_after_s = settings.fleet.silent_after_s
    commands = CommandService(opened)
    return Services(
        fleet=FleetService(opened, silent_after_s=silent_after_s),
        detections=DetectionService(opened),
        live=LiveFeed(opened, silent_after_s=silent_after_s),
        accounts=AccountService(opened, settings.folder),
        statistics=StatisticsService(opened),
        review=ReviewService(opened),
        labels=LabelService(opened),
        dataset=DatasetService(opened),
        label_files=LabelFileService(opened),
        commands=commands,
        sampling=SamplingService(opened, commands),
        namespace=settings.fleet.namespace,
    )


def indexing(opened: Database) -> "Indexing":
    """What makes cards of windows, not started yet. The dashboard's process runs it: ingest must not wait."""
    from aggregator.services.card_index import CardIndex
    from aggregator.services.indexing import Indexing
    from aggregator.services.labels import LabelService

    return Indexing(CardIndex(opened, LabelService(opened)))


def subscriber(settings: Settings, opened: Database) -> "Subscriber":
    """The ingest loop. Knows neither numpy nor the dashboard: on a small machine both cost."""
    from aggregator.mqtt.subscriber import Subscriber
    from aggregator.services.commands import CommandService
    from aggregator.services.ingest import IngestService
    from aggregator.services.retention import RetentionService
    from aggregator.services.sampling import SamplingService

    commands = CommandService(opened)
    return Subscriber(
        settings,
        IngestService(opened, settings.fleet.namespace),
        commands,
        SamplingService(opened, commands),
        RetentionService(opened, settings.retention),
    )


@contextmanager
def only_ingest(settings: Settings) -> Iterator[None]:
    """While this lasts, no other ingest works for the same data folder; ``StoreError`` if one does."""
    _make_folder(settings)
    path = settings.folder / "ingest.lock"
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(f"another ingest works for {settings.folder}; stop it first") from error
        yield


def _make_folder(settings: Settings) -> None:
    try:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    except OSError as error:
        raise StoreError(f"{settings.folder}: the data folder cannot be made: {error}") from error
    if not os.access(settings.folder, os.W_OK):
        raise StoreError(f"{settings.folder}: this user may not write there")
