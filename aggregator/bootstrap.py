"""The composition root: the only place that chooses implementations and wires them."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from aggregator.bootstrap_accounts import accounts as accounts
from aggregator.bootstrap_accounts import tokens as tokens
from aggregator.bootstrap_accounts import users as users
from aggregator.bootstrap_enrolment import authority as authority
from aggregator.bootstrap_enrolment import enrolment as enrolment
from aggregator.bootstrap_ota import desired as desired
from aggregator.bootstrap_ota import lifetimes as lifetimes
from aggregator.bootstrap_ota import ota_delivery as ota_delivery
from aggregator.bootstrap_ota import ota_folder as ota_folder
from aggregator.bootstrap_ota import ota_repository as ota_repository
from aggregator.bootstrap_ota import pins as pins
from aggregator.bootstrap_ota import rollout_engine as rollout_engine
from aggregator.bootstrap_ota import rollouts as rollouts
from aggregator.bootstrap_ota import rollouts_lock as rollouts_lock
from aggregator.bootstrap_ota import rollouts_move as rollouts_move
from aggregator.errors import StoreError
from aggregator.settings import Settings
from aggregator.store import schema
from aggregator.store.database import Database

if TYPE_CHECKING:
    from aggregator.domain.drift_limits import DriftLimits
    from aggregator.domain.gate_limits import Limits
    from aggregator.mqtt.subscriber import Subscriber
    from aggregator.mqtt.talk_link import TalkLink
    from aggregator.services.background import Background
    from aggregator.services.catalogue import Services
    from aggregator.services.deletion import DeletionService
    from aggregator.services.listening import ListeningService
    from aggregator.services.ota_publishing import OtaPublishing
    from aggregator.services.releases import ReleaseService
    from aggregator.services.retrain import RetrainService
    from aggregator.services.snapshot import SnapshotService
    from aggregator.services.snapshot_labels import ReviewedWindows
    from aggregator.services.sound import SoundService
    from aggregator.services.talk import TalkService
    from aggregator.training.trainer import Trainer

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
    from aggregator.services.audit import AuditService
    from aggregator.services.catalogue import Services
    from aggregator.services.commands import CommandService
    from aggregator.services.dataset import DatasetService
    from aggregator.services.detections import DetectionService
    from aggregator.services.drift import DriftService
    from aggregator.services.fleet import FleetService
    from aggregator.services.label_files import LabelFileService
    from aggregator.services.labels import LabelService
    from aggregator.services.live import LiveFeed
    from aggregator.services.review import ReviewService
    from aggregator.services.sampling import SamplingService
    from aggregator.services.shadows import ShadowService
    from aggregator.services.statistics import StatisticsService
    from aggregator.services.talk import TalkService

    silent_after_s = settings.fleet.silent_after_s
    commands = CommandService(opened)
    return Services(
        fleet=FleetService(opened, silent_after_s=silent_after_s),
        detections=DetectionService(opened),
        live=LiveFeed(opened, silent_after_s=silent_after_s),
        listening=listening(settings, opened),
        talk=TalkService(opened),
        sound=sound(opened),
        accounts=accounts(settings, opened),
        users=users(opened),
        tokens=tokens(opened),
        statistics=StatisticsService(opened),
        review=ReviewService(opened),
        labels=LabelService(opened),
        dataset=DatasetService(opened),
        label_files=LabelFileService(opened),
        commands=commands,
        sampling=SamplingService(opened, commands),
        deletion=deletion(settings, opened),
        drift=DriftService(opened),
        retrain=retraining(settings, opened),
        releases=releases(settings, opened),
        snapshots=_snapshots(settings, opened, dataset(opened)),
        ota_repository=ota_repository(settings),
        ota_delivery=ota_delivery(settings, opened),
        ota_publishing=ota_publishing(settings, opened),
        rollouts=rollouts(settings, opened),
        pins=pins(settings, opened),
        shadows=ShadowService(opened),
        audit=AuditService(opened),
        authority=authority(settings),
        enrolment=enrolment(settings, opened),
        namespace=settings.fleet.namespace,
    )


def background(settings: Settings, opened: Database) -> "Background":
    """What the dashboard's process does beside its pages, not started yet. Ingest must not wait for it."""
    from aggregator.services.alone import Alone
    from aggregator.services.background import Background, Task
    from aggregator.services.card_index import CardIndex
    from aggregator.services.drift_index import DriftIndex
    from aggregator.services.enrolment_upkeep import EnrolmentUpkeep
    from aggregator.services.labels import LabelService
    from aggregator.services.ota_upkeep import OtaUpkeep
    from aggregator.services.web_certificate import web_certificate

    return Background(
        Task(
            name="card-index",
            work=CardIndex(opened, LabelService(opened)),
            idle_s=0.25,
            complaint="cards cannot be made",
        ),
        Task(
            name="drift",
            work=DriftIndex(opened, drift_limits(settings)),
            idle_s=30.0,
            complaint="what drifted cannot be computed",
        ),
        Task(
            name="deletions",
            work=deletion(settings, opened),
            idle_s=300.0,
            complaint="what was deleted is not gone from everywhere yet",
        ),
        Task(
            name="ota-upkeep",
            work=OtaUpkeep(ota_repository(settings)),
            idle_s=30.0,
            complaint="the metadata of updates cannot be renewed",
        ),
        Task(
            name="rollouts",
            work=Alone(rollout_engine(settings, opened), rollouts_lock(settings)),
            idle_s=1.0,
            complaint="rollouts cannot go on",
        ),
        Task(
            name="enrolment-upkeep",
            work=EnrolmentUpkeep(
                enrolment(settings, opened),
                authority(settings),
                lambda: web_certificate(settings),
            ),
            idle_s=60.0,
            complaint="what is revoked cannot be told to the broker, or certificates not be renewed",
        ),
    )


def deletion(settings: Settings, opened: Database) -> "DeletionService":
    """What deletes windows and the data of nodes."""
    from aggregator.services.deletion import DeletionService
    from aggregator.services.snapshot_purge import SnapshotPurge

    purge = SnapshotPurge(opened, retraining(settings, opened), settings.folder / "snapshots")
    return DeletionService(opened, purge)


def sound(opened: Database) -> "SoundService":
    """What makes sound of stored frames."""
    from aggregator.services.audit import AuditService
    from aggregator.services.sound import SoundService

    return SoundService(opened, AuditService(opened))


def listening(settings: Settings, opened: Database) -> "ListeningService":
    """What lets people listen to nodes."""
    from aggregator.mqtt.sound_link import SoundLink
    from aggregator.services.listening import ListeningService
    from aggregator.services.live_streams import LiveStreams

    return ListeningService(opened, LiveStreams(SoundLink(settings)), seats=settings.web.listeners)


def talk_link(settings: Settings, talk: "TalkService") -> "TalkLink":
    """What carries talk, not started yet."""
    from aggregator.mqtt.talk_link import TalkLink

    link = talk.line = TalkLink(settings, talk)
    return link


def dataset(opened: Database) -> "ReviewedWindows":
    """Where reviews come from."""
    from aggregator.services.dataset import DatasetService

    return DatasetService(opened)


def retraining(settings: Settings, opened: Database) -> "RetrainService":
    """The queue of trainings."""
    from aggregator.services import factory_command
    from aggregator.services.retrain import RetrainService

    wanted = settings.training

    def missing() -> str | None:
        return factory_command.find(wanted.command, base=wanted.base, bundle=wanted.bundle).missing

    return RetrainService(opened, missing=missing)


def releases(settings: Settings, opened: Database) -> "ReleaseService":
    """The registry."""
    from aggregator.services.releases import ReleaseService

    return ReleaseService(opened, settings.folder / "releases", limits=limits(settings))


def ota_publishing(settings: Settings, opened: Database) -> "OtaPublishing":
    """What takes it from whoever signs."""
    from aggregator.services.audit import AuditService
    from aggregator.services.ota_publishing import OtaPublishing

    return OtaPublishing(
        ota_repository(settings), releases(settings, opened), ota_folder(settings), AuditService(opened)
    )


def limits(settings: Settings) -> "Limits":
    """What the gate tolerates."""
    from aggregator.domain.gate_limits import Limits

    return Limits(**asdict(settings.gate))


def drift_limits(settings: Settings) -> "DriftLimits":
    """From where on something is drift."""
    from aggregator.domain.drift_limits import DriftLimits

    return DriftLimits(**asdict(settings.drift))


def trainer(settings: Settings, opened: Database, reviews: "ReviewedWindows | None" = None) -> "Trainer":
    """What works the queue of trainings off."""
    from aggregator.training.trainer import Trainer

    return Trainer(
        trainings=retraining(settings, opened),
        releases=releases(settings, opened),
        snapshots=_snapshots(settings, opened, reviews or dataset(opened)),
        settings=settings.training,
        limits=limits(settings),
        folder=settings.folder / "trainings",
    )


def _snapshots(settings: Settings, opened: Database, reviews: "ReviewedWindows") -> "SnapshotService":
    from aggregator.services.snapshot import SnapshotService

    return SnapshotService(
        opened,
        reviews,
        settings.folder / "snapshots",
        new_label_windows=settings.training.new_label_windows,
    )


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
        ota_delivery(settings, opened),
        desired(settings, opened),
    )


@contextmanager
def only_ingest(settings: Settings) -> Iterator[None]:
    """While this lasts, no other ingest works for the same data folder; ``StoreError`` if one does."""
    with _only(settings, "ingest"):
        yield


@contextmanager
def only_trainer(settings: Settings) -> Iterator[None]:
    """While this lasts, no other trainer works for the same data folder; ``StoreError`` if one does."""
    with _only(settings, "trainer"):
        yield


def trainer_runs(settings: Settings) -> bool:
    """Whether a trainer works for the data folder."""
    try:
        with only_trainer(settings):
            return False
    except StoreError:
        return True


@contextmanager
def _only(settings: Settings, name: str) -> Iterator[None]:
    _make_folder(settings)
    with (settings.folder / f"{name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(f"another {name} works for {settings.folder}; stop it first") from error
        yield


def _make_folder(settings: Settings) -> None:
    try:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    except OSError as error:
        raise StoreError(f"{settings.folder}: the data folder cannot be made: {error}") from error
    if not os.access(settings.folder, os.W_OK):
        raise StoreError(f"{settings.folder}: this user may not write there")
