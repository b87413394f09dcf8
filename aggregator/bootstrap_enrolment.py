"""The part of the composition root that lets nodes in and out."""

from typing import TYPE_CHECKING

from aggregator.bootstrap_ota import ota_repository
from aggregator.settings import Settings
from aggregator.store.database import Database

if TYPE_CHECKING:
    from aggregator.services.authority import AuthorityService
    from aggregator.services.enrolment import EnrolmentService


def authority(settings: Settings) -> "AuthorityService":
    """The fleet's certificate authority."""
    from aggregator.services.authority import AuthorityService

    return AuthorityService(settings.folder / "ca")


def enrolment(settings: Settings, opened: Database) -> "EnrolmentService":
    """What lets nodes in."""
    from aggregator.services import broker_place
    from aggregator.services.enrolment import EnrolmentService, Terms

    issuer, repository = authority(settings), ota_repository(settings)
    terms = Terms(
        namespace=settings.fleet.namespace,
        days=settings.enrolment.certificate_days,
        broker_host=lambda: broker_place.host_for_nodes(issuer.folder),
        broker_port=lambda: broker_place.port_for_nodes(issuer.folder),
        ota_root=lambda: repository.metadata("1.root.json"),
    )
    return EnrolmentService(opened, issuer, terms)
