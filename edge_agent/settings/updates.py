"""The settings of updates. Frozen values; nothing is read here."""

# ruff: noqa: RUF009  (``setting`` only makes a field; it is not a default computed once)

from dataclasses import dataclass
from pathlib import Path

from edge_agent.settings.fields import PATH, TRUTH, Section, choice, integer, number, setting, string


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSettings(Section):
    """How it takes new models from the aggregator."""

    root: Path | None = setting(
        PATH, "first root.json of the fleet, as made by the operator; without it nothing is taken",
        default=None,
    )  # fmt: skip
    enabled: bool = setting(TRUTH, "take new models, if root is given", default=True)
    url: str = setting(string(500), "address of the aggregator, https://…; empty: as it says", default="")
    ca_file: Path | None = setting(
        PATH, "certificate authority for https; empty: those of the system", default=None
    )
    transport: str = setting(
        choice("http", "mqtt"),
        "http, if anybody names an address; mqtt: through the broker, in pieces",
        default="http",
    )
    limit_bytes_per_s: int = setting(
        integer(0, 10**9), "download no faster, bytes/s; 0: no limit of our own", default=0
    )
    cost_factor_most: float = setting(
        number(1, 1000), "refuse a model that takes more than this times the CPU time of the one in service",
        default=2.0,
    )  # fmt: skip
    crashes_most: int = setting(integer(0, 100), "crashes on probation that are borne", default=1)
    memory_mb: int = setting(integer(8, 10_000), "memory that a new model may take, MB", default=128)
    selftest_s: float = setting(number(1, 600), "time that its self-test may take, s", default=60.0)
    new_frontend: bool = setting(
        TRUTH, "take a model with another front end; its windows do not mix with those before", default=False
    )

    @property
    def active(self) -> bool:
        """Whether new models are taken."""
        return self.enabled and self.root is not None
