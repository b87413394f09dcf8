"""A model that may come into service, and what depends on which model that is."""

from dataclasses import dataclass

from edge_agent.agent.reporting import Identity
from edge_agent.swap import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Loaded, and not yet fed."""

    pipeline: Measured
    identity: Identity

    @property
    def digest(self) -> str:
        """Of its bundle."""
        return self.identity.bundle_digest

    @property
    def model(self) -> str:
        """Name and version."""
        return self.identity.manifest.model
