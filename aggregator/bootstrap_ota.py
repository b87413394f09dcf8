"""The part of the composition root that gives nodes what they may run."""

from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.settings import Settings
from aggregator.store.database import Database

if TYPE_CHECKING:
    from aggregator.domain.rollouts.tally import Patience
    from aggregator.services.desired import DesiredService
    from aggregator.services.ota_delivery import OtaDelivery
    from aggregator.services.ota_repository import OtaRepository
    from aggregator.services.pins import PinService
    from aggregator.services.rollout_engine import RolloutEngine
    from aggregator.services.rollouts import RolloutService
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


def rollouts(settings: Settings, opened: Database) -> "RolloutService":
    """What makes and steers rollouts."""
    from aggregator.services.rollouts import RolloutService

    return RolloutService(
        opened,
        ota_repository(settings),
        require_shadow=settings.rollouts.require_shadow,
        patience=_patience(settings),
    )


def pins(settings: Settings, opened: Database) -> "PinService":
    """What keeps nodes out of them."""
    from aggregator.services.pins import PinService

    return PinService(opened, ota_repository(settings))


def rollout_engine(settings: Settings, opened: Database) -> "RolloutEngine":
    """What moves them on."""
    from aggregator.services.rollout_engine import RolloutEngine

    return RolloutEngine(opened, ota_repository(settings), _patience(settings))


def rollouts_lock(settings: Settings) -> Path:
    """What the process locks that moves rollouts on."""
    return settings.folder / "rollouts.lock"


def rollouts_move(settings: Settings) -> bool:
    """Whether some process over the data folder moves rollouts on."""
    from aggregator.services.alone import is_done

    return is_done(rollouts_lock(settings))


def _patience(settings: Settings) -> "Patience":
    from aggregator.domain.rollouts.tally import Patience

    wanted = settings.rollouts
    return Patience(vanished_s=wanted.vanished_after_s, stuck_s=wanted.stuck_after_s)


def desired(settings: Settings, opened: Database) -> "DesiredService":
    """What each node should run."""
    from aggregator.services.desired import Delivery, DesiredService

    delivery = Delivery(
        url=f"{settings.ota.url.rstrip('/')}/ota/v1" if settings.ota.url else "",
        poll_s=settings.rollouts.poll_s,
        limit_bytes_per_s=settings.ota.node_bytes_per_s,
        token=ota_repository(settings).token,
    )
    return DesiredService(opened, delivery)


def ota_delivery(settings: Settings, opened: Database) -> "OtaDelivery":
    """What gives it to nodes."""
    from aggregator.services.bandwidth import Bandwidth
    from aggregator.services.ota_delivery import OtaDelivery

    wanted = settings.ota
    bandwidth = Bandwidth(wanted.node_bytes_per_s, wanted.all_bytes_per_s, wanted.downloads)
    return OtaDelivery(ota_repository(settings), desired(settings, opened), bandwidth)
