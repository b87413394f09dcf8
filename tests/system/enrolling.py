"""An aggregator's web application behind TLS in this process, and nodes that join it."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from werkzeug.serving import make_server

from aggregator import bootstrap
from aggregator.services.catalogue import Services
from aggregator.services.web_certificate import web_certificate
from aggregator.settings import Settings, Store, Web
from aggregator.web import create_app
from edge_agent.enrolment.files import EnrolmentFiles

HOUR_S = 3600.0


class Hub:
    """One aggregator; ``asked`` are the paths that were asked for."""

    def __init__(self, folder: Path, services: Services, port: int) -> None:
        self.folder = folder
        self.services, self.url = services, f"https://127.0.0.1:{port}"
        self.asked: list[str] = []

    def token(self, node: str = "attic") -> str:
        """Lets a node in."""
        return self.services.enrolment.invite(node, lifetime_s=HOUR_S, who="ada").token


class CutFiles(EnrolmentFiles):
    """A disk on which the power goes before so many writes."""

    def __init__(self, folder: Path, writes: int) -> None:
        super().__init__(folder)
        object.__setattr__(self, "left", [writes])

    def _write(self, path: Path, content: bytes) -> None:
        left: list[int] = self.left  # type: ignore[attr-defined]
        if left[0] == 0:
            raise PowerCutError
        left[0] -= 1
        super()._write(path, content)


class PowerCutError(Exception):
    """The rest never happened."""


@contextmanager
def hub(folder: Path, *, shows: Path | None = None) -> Iterator[Hub]:
    """One that runs. ``shows``: key and certificate of its TLS, in the place of its authority's."""
    settings = Settings(store=Store(folder=str(folder)), web=Web(https=True))
    with closing(bootstrap.database(settings, migrate=True)) as opened:
        services = bootstrap.services(settings, opened)
        own = web_certificate(settings)
        assert own is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shows or own.certificate)
        app = create_app(services)
        server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=context)
        made = Hub(folder, services, server.port)
        app.before_request(lambda: _note(made))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()
            services.live.close()


def _note(made: Hub) -> None:
    from flask import request

    made.asked.append(request.path)
