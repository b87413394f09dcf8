"""Which broker the demonstration uses: mosquitto where it is installed, else the embedded one."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from aggregator.demo.children import Children, DemoError, free_port

MOSQUITTO_PLACES = ("mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBroker:
    """A broker that has been started on loopback."""

    name: str
    port: int
    protocol: str
    """MQTT version as settings name it: ``5`` or ``3.1.1``."""


BROKERS = ("auto", "mosquitto", "embedded")


def start_broker(children: Children, folder: Path, wanted: str) -> DemoBroker:
    """Start the broker ``wanted``, one of ``BROKERS``, and wait until it answers."""
    port = free_port()
    program = next(filter(None, map(shutil.which, MOSQUITTO_PLACES)), None)
    if wanted == "mosquitto" and program is None:
        raise DemoError("mosquitto is not installed: apt-get install mosquitto, or --broker embedded")
    if program is not None and wanted != "embedded":
        children.start("broker", [program, "-c", str(_mosquitto_config(folder, port))])
        broker = DemoBroker(name="mosquitto", port=port, protocol="5")
    else:
        _require_embedded()
        children.start("broker", [sys.executable, "-m", "aggregator.demo.embedded_broker", str(port)])
        name = "embedded (amqtt: in memory, not durable)"
        broker = DemoBroker(name=name, port=port, protocol="3.1.1")
    children.wait_for_port(port)
    return broker


def _mosquitto_config(folder: Path, port: int) -> Path:
    path = folder / "mosquitto.conf"
    path.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
        "max_queued_messages 100000\nlog_dest stderr\n"
    )
    return path


def _require_embedded() -> None:
    try:
        import amqtt  # noqa: F401
    except ImportError as error:
        raise DemoError(
            "No broker: install mosquitto (apt-get install mosquitto) "
            "or the embedded one (pip install 'soundpost[embedded-broker]')."
        ) from error
