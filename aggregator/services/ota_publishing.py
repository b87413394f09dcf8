"""What whoever signs meets at the aggregator: what is in force, accepted releases, and the way in."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aggregator.domain.published import Published
from aggregator.domain.releases import ACCEPTED
from aggregator.errors import ReleaseError
from aggregator.services import publish_token
from aggregator.services.audit import Audit
from aggregator.services.ota_repository import OtaRepository
from aggregator.services.releases import ReleaseService
from aggregator.trust.limits import HAND_OVER_BYTES

if TYPE_CHECKING:
    from aggregator.trust.hand_over import HandOver

LARGEST_UPLOAD_BYTES: Final = HAND_OVER_BYTES
_UPLOADER: Final = "upload"


class OtaPublishing:
    """Safe for use by many threads."""

    def __init__(
        self, repository: OtaRepository, releases: ReleaseService, folder: Path, audit: Audit
    ) -> None:
        self._repository = repository
        self._releases = releases
        self._folder = folder
        self._audit = audit

    def opens(self, token: str) -> bool:
        """Whether ``token`` is the one for uploads."""
        return publish_token.fits(self._folder, token)

    def bundle(self, release_id: int) -> bytes:
        """The bundle of an accepted release. Raises ``UnknownReleaseError`` or ``ReleaseError``."""
        view = self._releases.detail(release_id).view
        if view.state != ACCEPTED:
            why = "the gate refused it" if not view.passed else "nobody has decided on it yet"
            raise ReleaseError(
                f"release {release_id} is {view.state} ({why}), so it is not published: "
                f"`aggregator releases accept {release_id}` comes first"
            )
        path = self._releases.bundle_path(view.digest)
        try:
            return path.read_bytes()
        except OSError as error:
            raise ReleaseError(f"the bundle of release {release_id} cannot be read: {error}") from error

    def export(self, release_id: int | None = None) -> bytes:
        """What is in force, as a file; with a release, what would publish it, not signed yet."""
        from aggregator.trust import hand_over
        from aggregator.trust.releases import Addition

        offered = self._repository.export()
        if release_id is not None:
            offered = replace(offered, add=(Addition(content=self.bundle(release_id)),), signed=False)
        return hand_over.write(offered)

    def hand_in(self, content: bytes) -> tuple[Published, ...]:
        """Take a file of what was signed and uploaded; what is published then. Raises ``TrustError``."""
        from aggregator.trust import hand_over

        return self.take(hand_over.read(content), _UPLOADER)

    def take(self, handed: "HandOver", who: str) -> tuple[Published, ...]:
        """Take what was signed; what is published then. Raises ``TrustError``."""
        before = {one.digest for one in self._repository.published()} if self._repository.is_set_up else set()
        accepted = self._repository.hand_in(handed)
        after = {one.digest for one in accepted.published}
        if accepted.changes:
            details = {
                "root_version": accepted.root.version,
                "targets_version": accepted.targets_version,
                "published": sorted(after - before),
                "withdrawn": sorted(before - after),
            }
            self._audit.record(who, "ota.hand_in", details)
        return accepted.published
