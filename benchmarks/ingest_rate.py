"""What ingest costs per message, beside a consumer that does nothing, in the same run.

    python -m benchmarks.ingest_rate [--messages 10000] [--url postgresql://…]

The messages wait at the broker before either consumer starts, so neither waits for a publisher. Both take
them from mosquitto with QoS 1 through paho-mqtt. Trust the ratio; the rates belong to the machine.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from aggregator import bootstrap
from aggregator.mqtt.subscriber import Subscriber
from aggregator.services.commands import CommandService
from aggregator.services.ingest import IngestService
from aggregator.services.retention import RetentionService
from aggregator.services.sampling import SamplingService
from aggregator.settings import load
from aggregator.store.database import Database
from contract import topics, wire
from contract.messages import Detection
from tests.broker import Mosquitto

NAMESPACE = "soundpost"


def detection(sequence: int) -> bytes:
    now_s = time.time()
    return wire.encode(
        topics.DETECTION,
        Detection(
            boot="00000000000000b1", wall_s=now_s, monotonic_s=1.0, sequence=sequence, model="sounds@1.0.0",
            frontend_digest="ab" * 32, label="dog", posterior=0.9, threshold=0.5, start_s=now_s - 1,
            end_s=now_s, level_dbfs=-30.0,
        ),
    )  # fmt: skip


def client(name: str, *, clean: bool) -> paho.Client:
    made = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
    made.max_inflight_messages_set(1000)
    made.clean = clean  # type: ignore[attr-defined]
    return made


def session(receive_maximum: int = 1000) -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    properties.ReceiveMaximum = receive_maximum
    return properties


def leave_session(port: int, name: str, topic: topics.Topic = topics.DETECTION) -> None:
    """Let the broker queue what comes on a topic for a client of that name."""
    leaver = client(name, clean=False)
    done: list[Any] = []
    leaver.on_subscribe = lambda *_: done.append(1)
    leaver.connect("127.0.0.1", port, clean_start=False, properties=session())
    leaver.subscribe(topics.from_all_nodes(NAMESPACE, topic), 1)
    while not done:
        leaver.loop(0.1)
    leaver.disconnect()


def publish(port: int, count: int) -> None:
    publisher = client("publisher", clean=True)
    publisher.connect("127.0.0.1", port)
    publisher.loop_start()
    for sequence in range(1, count + 1):
        sent = publisher.publish(f"{NAMESPACE}/v1/node-{sequence % 10}/detection", detection(sequence), 1)
    sent.wait_for_publish(120)
    publisher.disconnect()
    publisher.loop_stop()


def null_consumer(port: int, count: int) -> dict[str, float]:
    taken = 0

    def take(*_: Any) -> None:
        nonlocal taken
        taken += 1

    consumer = client("null", clean=False)
    consumer.on_message = take
    consumer.connect("127.0.0.1", port, clean_start=False, properties=session())
    clock, processor = time.monotonic(), time.process_time()
    while taken < count:
        consumer.loop(0.1)
    return _measured(count, clock, processor)


def ingest(port: int, count: int, database: Database, folder: Path) -> dict[str, float]:
    taken = 0
    service = IngestService(database, NAMESPACE)
    store = service.store

    def counted(batch: Any) -> Any:
        nonlocal taken
        outcome = store(batch)
        taken += len(batch)
        return outcome

    service.store = counted  # type: ignore[method-assign]
    settings = load(None, {}, {"broker.port": str(port), "store.folder": str(folder)})
    commands, retention = CommandService(database), RetentionService(database, settings.retention)
    sampling, delivery = SamplingService(database, commands), bootstrap.ota_delivery(settings, database)
    subscriber = Subscriber(
        settings, service, commands, sampling, retention, delivery, bootstrap.desired(settings, database)
    )
    clock, processor = time.monotonic(), time.process_time()
    subscriber.run(lambda: taken >= count)
    return _measured(count, clock, processor)


def _measured(count: int, clock: float, processor: float) -> dict[str, float]:
    seconds, cpu = time.monotonic() - clock, time.process_time() - processor
    return {"messages_per_s": round(count / seconds), "cpu_us_per_message": round(cpu / count * 1e6, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--url", default="", help="database; default: SQLite in a temporary folder")
    parser.add_argument("--publish", type=int, nargs=2, metavar=("PORT", "COUNT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.publish:
        publish(*arguments.publish)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(folder)
        broker.start()
        settings = load(None, {}, {"store.folder": name, "store.url": arguments.url or None})
        database = bootstrap.database(settings, migrate=True)
        try:
            leave_session(broker.port, "null")
            leave_session(broker.port, "soundpost-aggregator")
            count = arguments.messages
            subprocess.run(
                [sys.executable, "-m", "benchmarks.ingest_rate", "--publish", str(broker.port), str(count)],
                check=True,
            )
            null = null_consumer(broker.port, count)
            stored = ingest(broker.port, count, database, folder)
        finally:
            broker.stop()
            database.close()
    kind = "PostgreSQL" if arguments.url else "SQLite"
    ratio = {key: round(stored[key] / null[key], 2) for key in null}
    print(json.dumps({"null_consumer": null, "ingest": stored, "ratio": ratio, "store": kind}, indent=1))


if __name__ == "__main__":
    main()
