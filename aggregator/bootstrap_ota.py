"""The part of the composition root that gives nodes what they may run."""

from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.settings import Settings

if TYPE_CHECKING:
    from aggregator.services.ota_delivery import OtaDelivery
    from aggregator.services.ota_repository import OtaRepository
    from aggregator.trust.lifetimes import Lifetimes


def ota_repository(settings: Settings) -> "OtaRepository":
    """What nodes may run."""
    from aggregator.services.ota_repository import OtaRepository

    passphrase = settings.ota.online_passphrase_file
    return OtaRepository(
        ota_folder(settings),
        lifetimes=lifetimes(settings),
        passphrase_file=Path(passphrase) if passphrase else None,
    )


def ota_folder(settings: Settings) -> Path:
    """Where it lies."""
    return settings.folder / "ota"


def lifetimes(settings: Settings) -> "Lifetimes":
    """How long metadata is valid."""
    from aggregator.trust.lifetimes import Lifetimes

    wanted = settings.ota
    return Lifetimes(
        root_days=wanted.root_days,
        targets_days=wanted.targets_days,
        snapshot_days=wanted.snapshot_days,
        timestamp_days=wanted.timestamp_days,
    )


def ota_delivery(settings: Settings) -> "OtaDelivery":
    """What gives it to nodes."""
    from aggregator.services.bandwidth import Bandwidth
    from aggregator.services.ota_delivery import NoWishes, OtaDelivery

    wanted = settings.ota
    bandwidth = Bandwidth(wanted.node_bytes_per_s, wanted.all_bytes_per_s, wanted.downloads)
    return OtaDelivery(ota_repository(settings), NoWishes(), bandwidth)
