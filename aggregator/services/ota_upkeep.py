"""What keeps the signed metadata valid while nobody looks, and says so while somebody must."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from aggregator.services.ota_repository import OtaRepository

WARN_S: Final = 30 * 86_400.0
_WARN_EVERY_S: Final = 86_400.0

_log = logging.getLogger(__name__)


class OtaUpkeep:
    """Signs snapshot and timestamp again in time, and warns before what only people can sign expires."""

    def __init__(self, repository: OtaRepository, now: Callable[[], float] = time.time) -> None:
        self._repository = repository
        self._now = now
        self._next_warning_s = 0.0

    def step(self) -> bool:
        """Sign what is due. There is never more to do at once."""
        self._repository.refresh()
        if self._repository.is_set_up and self._now() >= self._next_warning_s:
            self._next_warning_s = self._now() + _WARN_EVERY_S
            self._warn()
        return False

    def _warn(self) -> None:
        for role, remedy in (("root", "aggregator ota renew --root"), ("targets", "aggregator ota renew")):
            expires_s = self._repository.expires_s(role)
            if expires_s is not None and expires_s - self._now() < WARN_S:
                day = datetime.fromtimestamp(expires_s, UTC).strftime("%Y-%m-%d")
                _log.warning(
                    "%s metadata expires on %s, then nodes take nothing more: `%s`", role, day, remedy
                )
