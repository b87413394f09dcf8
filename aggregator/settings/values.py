"""Everything that can be set, a class for each section."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aggregator.errors import SettingsError
from aggregator.settings.fields import key
from contract.checks import NAME

PROTOCOLS: Final = ("auto", "5", "3.1.1")
ACCEPTING: Final = ("person", "gate")
URL: Final = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")
TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """[fleet]"""

    namespace: str = key("soundpost", "first level of every topic; nodes must use the same")
    silent_after_s: float = key(30.0, "a connected node counts as silent when not heard for so long", low=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """[broker]"""

    host: str = key("127.0.0.1", "where the MQTT broker is")
    port: int = key(1883, "its port; usually 8883 with TLS", low=1, high=65535)
    username: str = key("", "name to sign in with")
    password: str = key("", "password to sign in with; better in the environment than in a file")
    tls: bool = key(False, "encrypt the connection")
    ca_file: str = key("", "certificates to trust, PEM; empty: those of the system")
    certificate_file: str = key("", "own certificate, PEM")
    key_file: str = key("", "its key, PEM")
    protocol: str = key("auto", "MQTT version: 5, 3.1.1, or auto: 5 if the broker knows it")
    client_id: str = key("", "name of this connection; empty: <namespace>-aggregator")
    keepalive_s: int = key(30, "silence after which a connection is given up", low=5, high=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """[store]"""

    folder: str = key("var/aggregator", "data folder: database, keys")
    url: str = key("", "database; empty: SQLite in the data folder, else postgresql://user@host/name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """[ingest]"""

    batch_size: int = key(500, "messages committed at once, at most", low=1, high=10_000)
    flush_ms: int = key(20, "the first message of a batch waits no longer", low=1, high=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """[web]"""

    host: str = key("127.0.0.1", "address the dashboard listens on; 0.0.0.0: all")
    port: int = key(8080, "its port", low=1, high=65535)
    threads: int = key(64, "requests at once; each open live page holds one", low=56, high=1000)
    listeners: int = key(20, "people who listen to nodes at once; each holds one more", low=1, high=200)
    https: bool = key(False, "encrypt; without a certificate_file with one by the fleet's own authority")
    certificate_file: str = key("", "certificate of the dashboard with its chain, PEM; implies https")
    key_file: str = key("", "its key, PEM")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """[retention]"""

    detections_days: int = key(0, "delete detections after so many days; 0: never", low=0)
    detections_mb: int = key(0, "delete the oldest detections beyond so many megabytes; 0: never", low=0)
    windows_days: int = key(
        0, "delete windows of features that nobody has answered after so many days; 0: never", low=0
    )
    windows_mb: int = key(0, "delete the oldest of these beyond so many megabytes; 0: never", low=0)
    reviewed_windows_days: int = key(
        0, "delete windows that were answered, and the answers, after so many days; 0: never", low=0
    )
    reviewed_windows_mb: int = key(0, "delete the oldest of these beyond so many megabytes; 0: never", low=0)
    levels_days: int = key(90, "delete the history of sound levels after so many days; 0: never", low=0)
    levels_mb: int = key(0, "delete the oldest of it beyond so many megabytes; 0: never", low=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """[training]"""

    base: str = key("", "base archive that `model-build base` wrote; empty: no retraining")
    bundle: str = key("", "bundle that the base belongs to: in service until a release is accepted")
    command: str = key("model-build", "program that trains, with its first arguments")
    epochs: int = key(0, "passes over the data; 0: as many as the recipe says", low=0, high=100_000)
    memory_mb: int = key(2000, "a training that needs more memory is ended", low=100)
    hours: float = key(6.0, "a training that takes longer is ended", low=0.001, high=1000)
    attempts: int = key(3, "a training is begun again so often after its process was killed", low=1, high=100)
    new_label_windows: int = key(8, "learn a new label from so many training windows on", low=1)
    nightly: str = key("", "time at which to retrain by itself, such as 02:30; empty: never")
    nightly_labels: int = key(50, "but only with so many labels since the last snapshot", low=1)
    accept: str = key("person", "who accepts a candidate that passed: person, or gate: at once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """[gate]; docs/gate.md explains each"""

    chance: float = key(
        0.05, "a worse figure may be chance while chance gives it more often than this", low=1e-6, high=0.5
    )
    accuracy_tolerance: float = key(0.01, "share of accuracy that may be lost", low=0, high=1)
    accuracy_loss_most: float = key(0.05, "share that may not be lost even by chance", low=0, high=1)
    label_tolerance: float = key(0.02, "share of one label's recall that may be lost", low=0, high=1)
    label_loss_most: float = key(0.25, "share that may not be lost even by chance", low=0, high=1)
    new_label_recall_least: float = key(
        0.7, "share of its held-out windows in which a new label is found", low=0, high=1
    )
    new_label_windows_least: int = key(5, "held-out windows that a new label needs", low=1)
    reviewed_accuracy_least: float = key(
        0.7, "share of held-out reviews that a candidate with new labels agrees with", low=0, high=1
    )
    confirmed_reviews_least: float = key(
        0.75, "share of all reviews that the other reviews confirm", low=0, high=1
    )
    false_alarms_tolerance_per_hour: float = key(0.2, "more false alarms per hour that may be", low=0)
    silence_tolerance: int = key(0, "more detections in silence that may be", low=0)
    parity_agreement_least: float = key(
        0.95, "share of clips in which the quantized network must agree with the trained one", low=0, high=1
    )
    size_factor_most: float = key(1.5, "size of a candidate, times the incumbent's", low=1)
    cost_factor_most: float = key(1.5, "computing time of a candidate, times the incumbent's", low=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ota:
    """[ota]; docs/ota.md explains each"""

    url: str = key("", "address at which nodes reach the dashboard, https://…; empty: they fetch over MQTT")
    online_passphrase_file: str = key("", "passphrase of the online key; empty: beside the key")
    downloads: int = key(8, "bundles that are downloaded at once, at most", low=1, high=32)
    node_bytes_per_s: int = key(0, "one node downloads no faster; 0: no limit", low=0)
    all_bytes_per_s: int = key(0, "all nodes together download no faster; 0: no limit", low=0)
    timestamp_days: float = key(1.0, "it says that nothing newer exists, and is renewed", low=0.01, high=30)
    snapshot_days: float = key(7.0, "it says what belongs together, and is renewed", low=0.01, high=90)
    targets_days: float = key(90.0, "what is published must be renewed by then", low=0.01, high=1000)
    root_days: float = key(365.0, "which keys count must be renewed by then", low=0.01, high=4000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollouts:
    """[rollouts]; docs/rollouts.md explains each"""

    require_shadow: bool = key(False, "a rollout must begin with a wave that only listens")
    vanished_after_s: float = key(3600.0, "a node that was not heard for so long blocks no wave", low=1)
    stuck_after_s: float = key(21_600.0, "nor one that says nothing new of an update for so long", low=1)
    poll_s: float = key(21_600.0, "nodes ask by themselves so often what they should run", low=10, high=1e7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """[enrolment]; docs/enrolment.md explains each"""

    token_hours: float = key(24.0, "a token for a node must be used within so long", low=0.01, high=8760)
    certificate_days: float = key(
        180.0,
        "a node's certificate is valid for so long; it is renewed after two thirds",
        low=0.01,
        high=3650,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """[drift]; docs/drift.md explains each"""

    deaf_below_db: float = key(6.0, "a deaf microphone is so far below its quietest hour", low=0)
    fan_rise_db: float = key(6.0, "a fan raises the noise floor by so much", low=0)
    flood_detections: int = key(20, "fewer detections in six hours are no flood", low=1)
    flood_factor: float = key(4.0, "a flood is so many times the usual rate", low=1)
    flood_chance: float = key(1e-4, "what chance gives more often than this is no flood", low=1e-12, high=0.5)
    calm_s: float = key(3600.0, "an alert ends when its rule has not held for so long", low=0)
    accepted_days: float = key(14.0, "what lasts so long is how it is now, and no alert", low=0.1, high=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of the aggregator."""

    fleet: Fleet = field(default_factory=Fleet)
    broker: Broker = field(default_factory=Broker)
    store: Store = field(default_factory=Store)
    ingest: Ingest = field(default_factory=Ingest)
    web: Web = field(default_factory=Web)
    retention: Retention = field(default_factory=Retention)
    training: Training = field(default_factory=Training)
    gate: Gate = field(default_factory=Gate)
    ota: Ota = field(default_factory=Ota)
    rollouts: Rollouts = field(default_factory=Rollouts)
    enrolment: Enrolment = field(default_factory=Enrolment)
    drift: Drift = field(default_factory=Drift)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.fleet.namespace):
            raise SettingsError(f"fleet.namespace: {self.fleet.namespace!r} is not of a-z 0-9 _ -")
        if self.broker.protocol not in PROTOCOLS:
            raise SettingsError(f"broker.protocol: must be one of {', '.join(PROTOCOLS)}")
        if bool(self.broker.certificate_file) != bool(self.broker.key_file):
            raise SettingsError("broker.certificate_file and broker.key_file: give both or neither")
        if bool(self.web.certificate_file) != bool(self.web.key_file):
            raise SettingsError("web.certificate_file and web.key_file: give both or neither")
        if self.training.nightly and not TIME.fullmatch(self.training.nightly):
            raise SettingsError(f"training.nightly: {self.training.nightly!r} is not a time such as 02:30")
        if self.training.accept not in ACCEPTING:
            raise SettingsError(f"training.accept: must be one of {', '.join(ACCEPTING)}")
        if self.ota.url and not URL.fullmatch(self.ota.url):
            raise SettingsError(f"ota.url: {self.ota.url!r} is not an address such as https://hub.example")

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.store.folder).expanduser().absolute()

    @property
    def database_url(self) -> str:
        """The database, as SQLAlchemy has it."""
        return self.store.url or f"sqlite:///{self.folder / 'soundpost.db'}"

    @property
    def web_address(self) -> str:
        """Where a browser on this machine finds the dashboard."""
        web = self.web
        host = "127.0.0.1" if web.host in ("0.0.0.0", "::") else web.host  # noqa: S104
        scheme = "https" if web.https or web.certificate_file else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{web.port}"

    @property
    def client_id(self) -> str:
        """The name of the connection to the broker."""
        return self.broker.client_id or f"{self.fleet.namespace}-aggregator"
