"""What each command runs."""

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from typing import Final

from aggregator import bootstrap
from aggregator.services.web_certificate import web_certificate
from aggregator.settings import Settings
from aggregator.store import schema
from aggregator.store.database import Database
from aggregator.supervisor import Child, supervise

SUPERVISED: Final = "SOUNDPOST_SUPERVISED"
"""In the environment of a child whose standard input ends with its parent."""

_log = logging.getLogger(__name__)


def serve(settings: Settings, configuration: dict[str, str]) -> int:
    """Ingest, dashboard and trainer, each in a process of its own. ``configuration`` is handed to them."""
    opened = bootstrap.database(settings, migrate=True)
    _invite(settings, opened)
    opened.close()
    environment = {**os.environ, **configuration, SUPERVISED: "1"}
    # Where nothing can be trained, its memory is better kept for the others.
    names = ("ingest", "web", "trainer") if settings.training.base else ("ingest", "web")
    children = [Child(name, [sys.executable, "-m", "aggregator", name], environment) for name in names]
    supervise(children, _stop_signal())
    return 0


def ingest(settings: Settings) -> int:
    """Only the ingest."""
    stopped = _stop_signal()
    with bootstrap.only_ingest(settings):
        opened = bootstrap.database(settings, migrate=True)
        bootstrap.subscriber(settings, opened).run(stopped)
        opened.close()
    return 0


def web(settings: Settings) -> int:
    """Only the dashboard."""
    from aggregator.serving import Server

    opened = bootstrap.database(settings, migrate=False)
    if SUPERVISED not in os.environ:
        _invite(settings, opened)
    opened.close()  # no connection may be shared with the server's worker
    _end_with_parent()
    Server(settings).run()
    return 0


def trainer(settings: Settings, *, until_idle: bool = False) -> int:
    """Only the trainer; ``until_idle``: until no training waits."""
    stopped = _stop_signal()
    with bootstrap.only_trainer(settings), closing(bootstrap.database(settings, migrate=True)) as opened:
        bootstrap.trainer(settings, opened).run(stopped, until_idle=until_idle)
    return 0


def migrate(settings: Settings) -> int:
    """Bring the database to the version that this program needs."""
    with closing(bootstrap.database(settings, migrate=True)) as opened:
        _say(f"{opened.name} has version {schema.inspect(opened).found}")
    return 0


def statistics(settings: Settings, *, as_json: bool) -> int:
    """Print what is stored. A database that nobody has begun yet holds nothing."""
    with closing(bootstrap.database(settings, migrate=True)) as opened:
        service = bootstrap.services(settings, opened).statistics
        told = asdict(service.summary()) | {"stored_twice": service.stored_twice()}
    if as_json:
        _say(json.dumps(told, indent=1))
    else:
        for name, value in told.items():
            _say(f"{name:20} {value}")
    return 0


def password(settings: Settings, chosen: str) -> int:
    """Set the password of the user ``admin``."""
    with closing(bootstrap.database(settings, migrate=True)) as opened:
        bootstrap.accounts(settings, opened).set(chosen)
    _say("The password is set; whoever was signed in as admin has to sign in again.")
    return 0


def _invite(settings: Settings, opened: Database) -> None:
    """Say where the dashboard is, and how to choose its password."""
    address = settings.web_address
    certificate = web_certificate(settings)
    if certificate is not None and certificate.own:
        _log.info(
            "the dashboard's certificate is by the fleet's own authority; browsers ask about it once: compare"
            " SHA-256 %s", certificate.fingerprint,
        )  # fmt: skip
    accounts = bootstrap.accounts(settings, opened)
    if accounts.is_set():
        _log.info("dashboard: %s/", address)
    else:
        _log.info("choose the dashboard's password: %s/setup?code=%s", address, accounts.setup_code())


def _stop_signal() -> Callable[[], bool]:
    """A question that is answered with yes once the program should stop."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    _end_with_parent()
    return stopped.is_set


def _end_with_parent() -> None:
    if SUPERVISED not in os.environ:
        return

    def wait_for_end() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_end, name="watch-parent", daemon=True).start()


def _say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
