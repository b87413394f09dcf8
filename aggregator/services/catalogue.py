"""The services that the dashboard is given."""

from dataclasses import dataclass

from aggregator.services.accounts import AccountService
from aggregator.services.audit import AuditService
from aggregator.services.authority import AuthorityService
from aggregator.services.commands import CommandService
from aggregator.services.dataset import DatasetService
from aggregator.services.deletion import DeletionService
from aggregator.services.detections import DetectionService
from aggregator.services.drift import DriftService
from aggregator.services.enrolment import EnrolmentService
from aggregator.services.fleet import FleetService
from aggregator.services.label_files import LabelFileService
from aggregator.services.labels import LabelService
from aggregator.services.listening import ListeningService
from aggregator.services.live import LiveFeed
from aggregator.services.ota_delivery import OtaDelivery
from aggregator.services.ota_publishing import OtaPublishing
from aggregator.services.ota_repository import OtaRepository
from aggregator.services.pins import PinService
from aggregator.services.releases import ReleaseService
from aggregator.services.retrain import RetrainService
from aggregator.services.review import ReviewService
from aggregator.services.rollouts import RolloutService
from aggregator.services.sampling import SamplingService
from aggregator.services.shadows import ShadowService
from aggregator.services.snapshot import SnapshotService
from aggregator.services.sound import SoundService
from aggregator.services.statistics import StatisticsService
from aggregator.services.talk import TalkService
from aggregator.services.tokens import TokenService
from aggregator.services.users import UserService


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """``bootstrap`` makes one; ``aggregator.web.create_app(services)`` takes it."""

    fleet: FleetService
    detections: DetectionService
    live: LiveFeed
    listening: ListeningService
    talk: TalkService
    accounts: AccountService
    users: UserService
    tokens: TokenService
    sound: SoundService
    statistics: StatisticsService
    commands: CommandService
    review: ReviewService
    labels: LabelService
    dataset: DatasetService
    label_files: LabelFileService
    sampling: SamplingService
    deletion: DeletionService
    drift: DriftService
    retrain: RetrainService
    releases: ReleaseService
    snapshots: SnapshotService
    ota_repository: OtaRepository
    ota_delivery: OtaDelivery
    ota_publishing: OtaPublishing
    rollouts: RolloutService
    pins: PinService
    shadows: ShadowService
    audit: AuditService
    authority: AuthorityService
    enrolment: EnrolmentService
    namespace: str
