"""A real mosquitto with the generated configuration, and an authority that lets anybody be anybody."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aggregator import broker_files
from aggregator.mqtt.caller import Caller, Door
from aggregator.services import broker_place
from aggregator.services.authority import AuthorityService
from aggregator.services.broker_place import BrokerPlace
from aggregator.trust import certificates
from tests.broker import Mosquitto, free_port

NAMESPACE = "soundpost"
DAY_S = 86_400.0


class CertifiedBroker:
    """It, with keys to every door."""

    def __init__(self, folder: Path, authority: AuthorityService, place: BrokerPlace) -> None:
        self.authority, self.place = authority, place
        pem = authority.authority().pem
        self.nodes = Door(host="127.0.0.1", port=place.port, authority=pem)
        self.inner = Door(host="127.0.0.1", port=place.inner_port, authority=pem)
        self.mosquitto = Mosquitto(folder, configured=Path(place.folder) / "mosquitto.conf", port=place.port)

    def node(self, name: str, client_id: str = "") -> Caller:
        """As that node, at the door of nodes."""
        return Caller(self.nodes, self.authority.signed_in(name), client_id=client_id or name)

    def aggregator(self) -> Caller:
        """As the aggregator, at its own door."""
        return Caller(self.inner, self.authority.signed_in("aggregator"), client_id="test")

    def identity(self, name: str, *, days: float = 1.0, began_days_ago: float = 0.0) -> tuple[bytes, str]:
        """Key and certificate, and its serial number."""
        key = certificates.make_key()
        then_s = time.time() - began_days_ago * DAY_S
        issued = self.authority.authority().issue(name, key.public_key(), then_s, days)
        return certificates.together(key, issued), issued.serial

    def revoke(self, *serials: str) -> None:
        """List them, and let the broker read the list."""
        self.authority.publish(lambda: [(serial, time.time()) for serial in serials])
        broker_files.refresh(self.place, self.authority, NAMESPACE)


@contextmanager
def certified_broker(folder: Path, data: Path) -> Iterator[CertifiedBroker]:
    """One that runs; the aggregator's data folder is ``data``."""
    authority = AuthorityService(data / "ca")
    authority.publish(lambda: [])
    place = BrokerPlace(
        folder=str(folder / "broker"), hosts=("127.0.0.1", "localhost"), port=free_port(),
        inner_port=free_port(),
    )  # fmt: skip
    plan = broker_files.certified(
        place, authority, bind="127.0.0.1", inner_bind="127.0.0.1", namespace=NAMESPACE
    )
    broker_files.write(folder / "broker", plan.files)
    broker_place.keep(authority.folder, place)
    broker = CertifiedBroker(folder, authority, place)
    broker.mosquitto.start()
    try:
        yield broker
    finally:
        broker.mosquitto.stop()
