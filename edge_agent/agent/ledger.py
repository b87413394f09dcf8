"""What each reason has spent of its bytes today, kept on the disk: a restart gives no second budget."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from contract.checks import mapping_of, whole
from contract.errors import ContractError
from contract.messages import FEATURE_REASONS
from edge_agent.agent import kept
from edge_agent.budgets import DAY_S, Spent, renewed, spend

_COUNT: Final = whole(0, 2**53)
_ALL: Final = 2**52
"""More than any budget: what stands for a day of which it is not known how much was spent."""

_log = logging.getLogger("edge_agent.agent")


class Ledger:
    """The budgets of one node. What is spent is first kept; what cannot be kept is not spent."""

    def __init__(
        self,
        folder: Path,
        *,
        wall_s: Callable[[], float] = time.time,
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = folder / "budgets.json"
        self._wall_s, self._steady_s = wall_s, steady_s
        self._begun_s = steady_s()
        self._writable = True
        self._spent = self._read()

    def spend(self, reason: str, size_bytes: int, limit_bytes: int) -> bool:
        """Whether ``size_bytes`` more are within the day's limit, and kept as spent."""
        now_s = self._wall_s()
        today = renewed(self._spent, now_s, self._steady_s() - self._begun_s)
        if today is not self._spent:
            self._spent, self._begun_s = today, self._steady_s()
        after = spend(today, reason, size_bytes, limit_bytes)
        if after is None or not self._write(after):
            return False
        self._spent = after
        return True

    def _read(self) -> Spent:
        day = int(self._wall_s() // DAY_S)
        try:
            plain = kept.read(self._path)
            return Spent(day=day, size_bytes={}) if plain is None else _spent(plain)
        except (OSError, ValueError) as error:
            _log.error("budgets cannot be read; none is left today",
                       extra={"file": str(self._path), "error": str(error)})  # fmt: skip
            return Spent(day=day, size_bytes=dict.fromkeys(FEATURE_REASONS, _ALL))

    def _write(self, spent: Spent) -> bool:
        try:
            kept.write(self._path, {"day": spent.day, "spent_bytes": dict(spent.size_bytes)})
        except OSError as error:
            if self._writable:
                _log.error("budgets cannot be kept, so none is spent",
                           extra={"file": str(self._path), "error": str(error)})  # fmt: skip
            self._writable = False
            return False
        self._writable = True
        return True


def _spent(plain: dict[str, Any]) -> Spent:
    try:
        return Spent(
            day=_COUNT("day", plain.get("day")),
            size_bytes=mapping_of(_COUNT, limit=100)("spent_bytes", plain.get("spent_bytes")),
        )
    except ContractError as error:
        raise ValueError(str(error)) from error
