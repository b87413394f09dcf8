"""The dashboard behind a production server: one process, many threads."""

import ssl
import threading
from collections.abc import Callable
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from aggregator import bootstrap
from aggregator.services.web_certificate import web_certificate
from aggregator.settings import Settings
from aggregator.web import create_app

GRACE_S: Final = 2


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker that ends its live streams when it is told to stop, so that stopping takes no time."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop: no new requests, end of streams."""
        # Not in the signal handler itself: the interrupted thread may hold the feed's lock.
        threading.Thread(target=self.app.end_streams, daemon=True).start()
        super().handle_exit(sig, frame)


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured by our settings alone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._services: Any = None
        self._background: Any = None
        self._talk: Any = None
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings to gunicorn."""
        web = self._settings.web
        host = f"[{web.host}]" if ":" in web.host else web.host
        options: dict[str, Any] = {
            "bind": f"{host}:{web.port}",
            "worker_class": "aggregator.serving.Worker",
            "workers": 1,
            "threads": web.threads + web.listeners,
            "graceful_timeout": GRACE_S,
            "timeout": 60,
            "loglevel": "warning",
            "proc_name": "soundpost-web",
            # Later versions of gunicorn would open a socket for commands in the user's home.
            "control_socket_disable": True,
        }
        certificate = web_certificate(self._settings)
        if certificate is not None:
            # The files are read for each connection: what was renewed needs no restart.
            files = {"certfile": str(certificate.certificate), "keyfile": str(certificate.key)}
            options |= {**files, "ssl_context": _modern}
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application; called in the worker, where its threads will run."""
        opened = bootstrap.database(self._settings, migrate=False)
        self._services = bootstrap.services(self._settings, opened)
        self._background = bootstrap.background(self._settings, opened)
        self._background.start()
        self._talk = bootstrap.talk_link(self._settings, self._services.talk)
        self._talk.start()
        return create_app(self._services)

    def end_streams(self) -> None:
        """End every live stream, and what runs beside the pages."""
        if self._services is not None:
            self._services.live.close()
            self._services.listening.close()
            self._services.talk.close()
            self._talk.close()
            self._background.close()


def _modern(_config: Any, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = make()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
