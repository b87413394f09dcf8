"""What can be set, and where from: a TOML file, then the environment, then flags; the last word wins.

Every key stands in a section. ``[broker] port`` is ``SOUNDPOST_AGGREGATOR_BROKER_PORT`` in the environment
and ``--broker-port`` on the command line. A key that nobody knows is refused: it is a misspelt one.
"""

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from aggregator.errors import SettingsError
from contract.checks import NAME

ENVIRONMENT_PREFIX: Final = "SOUNDPOST_AGGREGATOR_"
PROTOCOLS: Final = ("auto", "5", "3.1.1")
ACCEPTING: Final = ("person", "gate")
TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

T = TypeVar("T")


def key(default: T, meaning: str, *, low: float | None = None, high: float | None = None) -> T:
    """A setting with its default, what ``--help`` says of it, and its range."""
    made: T = field(default=default, metadata={"meaning": meaning, "low": low, "high": high})
    return made


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """[retention]"""

    detections_days: int = key(0, "delete detections after so many days; 0: never", low=0)
    windows_days: int = key(0, "delete windows of features after so many days; 0: never", low=0)
    levels_days: int = key(90, "delete the history of sound levels after so many days; 0: never", low=0)


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
    false_alarms_tolerance_per_hour: float = key(0.2, "more false alarms per hour that may be", low=0)
    silence_tolerance: int = key(0, "more detections in silence that may be", low=0)
    parity_agreement_least: float = key(
        0.95, "share of clips in which the quantized network must agree with the trained one", low=0, high=1
    )
    size_factor_most: float = key(1.5, "size of a candidate, times the incumbent's", low=1)
    cost_factor_most: float = key(1.5, "computing time of a candidate, times the incumbent's", low=1)


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

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.fleet.namespace):
            raise SettingsError(f"fleet.namespace: {self.fleet.namespace!r} is not of a-z 0-9 _ -")
        if self.broker.protocol not in PROTOCOLS:
            raise SettingsError(f"broker.protocol: must be one of {', '.join(PROTOCOLS)}")
        if bool(self.broker.certificate_file) != bool(self.broker.key_file):
            raise SettingsError("broker.certificate_file and broker.key_file: give both or neither")
        if self.training.nightly and not TIME.fullmatch(self.training.nightly):
            raise SettingsError(f"training.nightly: {self.training.nightly!r} is not a time such as 02:30")
        if self.training.accept not in ACCEPTING:
            raise SettingsError(f"training.accept: must be one of {', '.join(ACCEPTING)}")

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.store.folder).expanduser().absolute()

    @property
    def database_url(self) -> str:
        """The database, as SQLAlchemy has it."""
        return self.store.url or f"sqlite:///{self.folder / 'soundpost.db'}"

    @property
    def client_id(self) -> str:
        """The name of the connection to the broker."""
        return self.broker.client_id or f"{self.fleet.namespace}-aggregator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One thing that can be set."""

    section: str
    name: str
    kind: type
    default: Any
    meaning: str
    low: float | None
    high: float | None

    @property
    def path(self) -> str:
        """As messages name it."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """As the environment names it."""
        return f"{ENVIRONMENT_PREFIX}{self.section}_{self.name}".upper()

    @property
    def flag(self) -> str:
        """As the command line names it."""
        return "--" + f"{self.section}-{self.name}".replace("_", "-")


def every_key() -> Iterator[Key]:
    """Everything that can be set."""
    for section in dataclasses.fields(Settings):
        content: Any = section.type
        for item in dataclasses.fields(content):
            kind: Any = item.type
            yield Key(section=section.name, name=item.name, kind=kind, default=item.default, **item.metadata)


def load(path: Path | None, environment: Mapping[str, str], flags: Mapping[str, str | None]) -> Settings:
    """The settings of a file (None: no file), the environment, and flags by ``Key.path`` (None: not given).

    Raises ``SettingsError`` that names the key and, for an unknown one, the nearest that exists.
    """
    values: dict[str, Any] = {} if path is None else _read(path)
    values.update(_from_environment(environment))
    values.update({name: text for name, text in flags.items() if text is not None})
    sections: dict[str, dict[str, Any]] = {section.name: {} for section in dataclasses.fields(Settings)}
    for item in every_key():
        if item.path in values:
            sections[item.section][item.name] = _typed(item, values[item.path])
    kinds: Any = {section.name: section.type for section in dataclasses.fields(Settings)}
    return Settings(**{name: kinds[name](**given) for name, given in sections.items()})


def as_environment(settings: Settings) -> dict[str, str]:
    """``settings`` for the environment of a child process: it needs no file and no flags."""
    return {item.variable: str(getattr(getattr(settings, item.section), item.name)) for item in every_key()}


def _read(path: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from error
    values: dict[str, Any] = {}
    for section, content in tables.items():
        if not isinstance(content, dict):
            raise SettingsError(f"{path}: {section!r} stands outside any section, such as [broker]")
        values.update({f"{section}.{name}": value for name, value in content.items()})
    known = [item.path for item in every_key()]
    for name in values:
        if name not in known:
            raise SettingsError(f"{path}: unknown key {name}{_nearest(name, known)}")
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    known = {item.variable: item.path for item in every_key()}
    values: dict[str, str] = {}
    for variable, text in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        if variable not in known:
            raise SettingsError(f"unknown variable {variable}{_nearest(variable, list(known))}")
        values[known[variable]] = text
    return values


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _typed(item: Key, value: Any) -> Any:
    wanted: Any = item.kind
    try:
        if wanted is bool:
            typed: Any = _truth(value)
        elif isinstance(value, str) or (wanted is float and type(value) is int) or type(value) is wanted:
            typed = wanted(value)
        else:
            raise ValueError("of another type")
    except ValueError as error:
        raise SettingsError(f"{item.path}: {value!r} is not {_WORDS[wanted]}") from error
    if (item.low is not None and not typed >= item.low) or (item.high is not None and not typed <= item.high):
        reach = f"at least {item.low:g}" if item.high is None else f"from {item.low:g} to {item.high:g}"
        raise SettingsError(f"{item.path}: must be {reach}, not {value!r}")
    return typed


_WORDS: Final[Mapping[type, str]] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
}


def _truth(value: Any) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError("neither")
