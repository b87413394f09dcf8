"""Brings the files of a running broker up to date, and tells it so."""

import contextlib
import logging
import os
import signal
from pathlib import Path
from typing import Final

from aggregator.broker_files.certified import kept_current
from aggregator.errors import SettingsError
from aggregator.services.authority import AuthorityService
from aggregator.services.broker_place import BrokerPlace
from aggregator.services.durable_files import in_words, replace

_PROGRAM: Final = "mosquitto"

_log = logging.getLogger(__name__)


def refresh(place: BrokerPlace, authority: AuthorityService, namespace: str) -> tuple[str, ...]:
    """Write what is not as it should be, and let the broker read it again; the names of those files."""
    folder = Path(place.folder)
    wanted = kept_current(place, authority, namespace)
    try:
        changed = tuple(name for name, content in wanted.items() if _present(folder / name) != content)
        for name in changed:
            replace(folder / name, wanted[name].encode(), mode=0o600)
    except OSError as error:
        raise SettingsError(f"{folder}: {in_words(error)}") from error
    if changed:
        _log.info("%s: %s", folder, ", ".join(changed))
        _tell(folder / "mosquitto.pid")
    return changed


def _present(path: Path) -> str | None:
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    return None


def _tell(pid_file: Path) -> None:
    """SIGHUP, if that process is the broker; one that does not run reads its files when it starts."""
    try:
        pid = int(pid_file.read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() == _PROGRAM:
            os.kill(pid, signal.SIGHUP)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        _log.info("no broker runs with %s", pid_file)
    except OSError as error:
        raise SettingsError(f"the broker cannot be told to read its files again: {error}") from error
