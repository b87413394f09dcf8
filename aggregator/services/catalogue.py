"""The services that the dashboard is given."""

from dataclasses import dataclass

from aggregator.services.accounts import AccountService
from aggregator.services.commands import CommandService
from aggregator.services.detections import DetectionService
from aggregator.services.fleet import FleetService
from aggregator.services.live import LiveFeed
from aggregator.services.releases import ReleaseService
from aggregator.services.retrain import RetrainService
from aggregator.services.snapshot import SnapshotService
from aggregator.services.statistics import StatisticsService


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """``bootstrap`` makes one; ``aggregator.web.create_app(services)`` takes it."""

    fleet: FleetService
    detections: DetectionService
    live: LiveFeed
    accounts: AccountService
    statistics: StatisticsService
    commands: CommandService
    retrain: RetrainService
    releases: ReleaseService
    snapshots: SnapshotService
    namespace: str
