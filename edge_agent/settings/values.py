"""Every setting of the agent, its default, unit and meaning. Frozen values; nothing is read here."""

# ruff: noqa: RUF009  (``setting`` only makes a field; it is not a default computed once)

import dataclasses
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.errors import ContractError
from contract.messages import PUBLISH_POLICIES
from contract.sampling import Sampling
from contract.topics import DEFAULT_NAMESPACE
from edge_agent.settings.enrolled import Enrolled
from edge_agent.settings.fields import (
    NAME,
    PATH,
    THRESHOLDS,
    TRUTH,
    USB_ID,
    WORDS,
    Kind,
    Section,
    choice,
    integer,
    maybe_number,
    number,
    setting,
    string,
)
from edge_agent.settings.live import LiveSettings
from edge_agent.settings.talk import TalkSettings
from edge_agent.settings.updates import UpdateSettings

_NUMBER, _WHOLE = number(0, 1), integer(0, 1)
_SYSTEM_STATE = Path("/var/lib/soundpost-agent")


def own_name() -> str:
    """The host's name as a node name: lower case, other signs become ``-``."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", socket.gethostname().split(".")[0].lower()).strip("-_")
    return plain[:64] or "node"


def state_folder() -> Path:
    """The system's folder where this user may write it, else the user's own (XDG)."""
    if os.access(_SYSTEM_STATE, os.W_OK):
        return _SYSTEM_STATE
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "soundpost-agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings(Section):
    """Who this node is."""

    name: str = setting(NAME, "name of the node, unique in the fleet; empty: the host's name", default="")
    site: str = setting(string(100), "where it stands, for people", default="")
    tags: tuple[str, ...] = setting(WORDS, "words to group nodes by", default=())
    state: Path | None = setting(
        PATH, "folder for what must survive a restart; empty: /var/lib/soundpost-agent or the user's own",
        default=None,
    )  # fmt: skip

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", own_name())
        super(NodeSettings, self).__post_init__()

    @property
    def state_path(self) -> Path:
        """The state folder, chosen."""
        return self.state or state_folder()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings(Section):
    """What it recognises."""

    bundle: Path | None = setting(PATH, "bundle with the model (.bundle)", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSettings(Section):
    """What it listens to."""

    source: str = setting(
        choice("microphone", "files", "stdin", "stream"),
        "microphone; files (path); stdin (raw 16-bit little-endian mono PCM at 16 kHz); stream (url)",
        default="microphone",
    )
    device: str = setting(string(), "part of the sound card's name; empty: the system's default", default="")
    usb_id: str = setting(USB_ID, "USB id of the sound card, vendor:product, as in 0d8c:0014", default="")
    path: Path | None = setting(PATH, "file, or folder of files, for source files", default=None)
    url: str = setting(string(2000), "RTSP, HTTP or other address, for source stream", default="")
    pace: str = setting(
        choice("real-time", "fast"), "files: as they would be heard, or as fast as the node can",
        default="real-time",
    )  # fmt: skip
    loop: bool = setting(TRUTH, "files: begin again after the last", default=False)
    shuffle: int = setting(
        integer(0, 10**9), "files: play in an order drawn from this number; 0: by name", default=0
    )
    pause_s: float = setting(number(0, 3600), "files: silence between two files, s", default=0.0)
    channels: int = setting(
        integer(0, 64), "microphone: channels to open, mixed to one; 0: as many as offered, two at most",
        default=0,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super(InputSettings, self).__post_init__()
        if self.source == "files" and self.path is None:
            raise ContractError("path: needed with source files")
        if self.source == "stream" and not self.url:
            raise ContractError("url: needed with source stream")

    @property
    def description(self) -> str:
        """What it listens to, in words, at most 200 characters."""
        if self.source == "microphone":
            which = self.usb_id or self.device or "default"
            return f"microphone: {which}"[:200]
        if self.source == "files":
            return f"files: {self.path.name if self.path else ''}"[:200]
        # An address may hold a password.
        return "stdin" if self.source == "stdin" else f"stream: {self.url.split('@')[-1]}"[:200]


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiseSettings(Section):
    """Whether noise is taken off before it recognises."""

    on: bool = setting(TRUTH, "take noise off speech before anything else hears", default=False)
    bundle: Path | None = setting(
        PATH, "bundle with denoise.tflite; empty: the model's own, and without one a classic rule (log-MMSE)",
        default=None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings(Section):
    """Where results go."""

    host: str = setting(
        string(), "MQTT broker; empty: publish nothing, only detect and log", default="127.0.0.1"
    )
    port: int = setting(integer(1, 65535), "its port", default=1883)
    username: str = setting(string(), "user name, if the broker asks for one", default="")
    password_file: Path | None = setting(PATH, "file whose first line is the password", default=None)
    ca_file: Path | None = setting(PATH, "certificate authority; turns TLS on", default=None)
    cert_file: Path | None = setting(PATH, "the node's certificate, for TLS", default=None)
    key_file: Path | None = setting(PATH, "its private key", default=None)
    protocol: str = setting(
        choice("auto", "5", "3.1.1"), "MQTT version; auto tries 5 and falls back", default="auto"
    )
    namespace: str = setting(NAME, "first part of every topic", default=DEFAULT_NAMESPACE)
    keepalive_s: int = setting(integer(2, 3600), "silence after which a dead link is noticed, s", default=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSettings(Section):
    """What it sends."""

    policy: str = setting(
        choice(*PUBLISH_POLICIES), "results; results+features: windows around them too; all: every frame",
        default="results+features",
    )  # fmt: skip
    before_s: float = setting(number(0, 10), "sound before a detection in its window, s", default=1.0)
    after_s: float = setting(number(0, 10), "sound after it, s", default=1.0)


def _as_in_the_contract(name: str, kind: Kind) -> Any:
    """The setting of a field of ``Sampling``: written like ``kind``; check, meaning, default as there."""
    field = Sampling.__dataclass_fields__[name]
    kind = dataclasses.replace(kind, check=field.metadata["check"])
    return setting(kind, field.metadata["meaning"], default=field.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingSettings(Section):
    """What it sends to learn from, and what never leaves it."""

    near_miss_low: float = _as_in_the_contract("near_miss_low", _NUMBER)
    near_miss_bytes_per_day: int = _as_in_the_contract("near_miss_bytes_per_day", _WHOLE)
    uncertain_margin: float = _as_in_the_contract("uncertain_margin", _NUMBER)
    uncertain_entropy: float = _as_in_the_contract("uncertain_entropy", _NUMBER)
    uncertain_bytes_per_day: int = _as_in_the_contract("uncertain_bytes_per_day", _WHOLE)
    random_per_hour: float = _as_in_the_contract("random_per_hour", _NUMBER)
    random_bytes_per_day: int = _as_in_the_contract("random_bytes_per_day", _WHOLE)
    detection_bytes_per_day: int = _as_in_the_contract("detection_bytes_per_day", _WHOLE)
    private: tuple[str, ...] = _as_in_the_contract("private", WORDS)
    private_least: float = _as_in_the_contract("private_least", _NUMBER)

    @property
    def sampling(self) -> Sampling:
        """As the contract has it."""
        return Sampling(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSettings(Section):
    """What this node hears otherwise than its bundle says."""

    smoothing_s: float | None = setting(
        maybe_number(0, 10), "time constant of the average, s; not given: the bundle's", default=None
    )
    refractory_s: float | None = setting(
        maybe_number(0, 3600),
        "silence of a label after its detection, s; not given: the bundle's",
        default=None,
    )
    thresholds: Mapping[str, float] = setting(
        THRESHOLDS, "label → threshold, instead of the bundle's; 1 switches a label off", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSettings(Section):
    """What it keeps until it is delivered."""

    path: Path | None = setting(PATH, "its file; empty: outbox.sqlite in the state folder", default=None)
    limit_bytes: int = setting(
        integer(10_000, 10**12), "most bytes of messages kept; oldest windows go first", default=200_000_000
    )
    commit_ms: int = setting(
        integer(5, 10_000), "messages of this long are written to disk together, ms", default=100
    )
    resend_after_s: float = setting(
        number(0.5, 3600), "sent again when nothing was acknowledged for this long, s", default=10.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings(Section):
    """What it tells of itself."""

    heartbeat_s: float = setting(number(0.5, 60), "time between two heartbeats, s", default=5.0)
    log_level: str = setting(
        choice("debug", "info", "warning", "error"), "least weight of a logged line", default="info"
    )
    log_format: str = setting(choice("text", "json"), "key=value pairs, or JSON objects", default="text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of it."""

    node: NodeSettings = field(default_factory=NodeSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    input: InputSettings = field(default_factory=InputSettings)
    denoise: DenoiseSettings = field(default_factory=DenoiseSettings)
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    publish: PublishSettings = field(default_factory=PublishSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    detector: DetectorSettings = field(default_factory=DetectorSettings)
    outbox: OutboxSettings = field(default_factory=OutboxSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    live: LiveSettings = field(default_factory=LiveSettings)
    talk: TalkSettings = field(default_factory=TalkSettings)
    update: UpdateSettings = field(default_factory=UpdateSettings)
    enrolled: Enrolled | None = None
    """What the node was told when it joined a fleet."""

    @property
    def outbox_path(self) -> Path:
        """The outbox's file, chosen."""
        return self.outbox.path or self.node.state_path / "outbox.sqlite"


SECTIONS: Mapping[str, type[Section]] = {
    "node": NodeSettings,
    "model": ModelSettings,
    "input": InputSettings,
    "denoise": DenoiseSettings,
    "broker": BrokerSettings,
    "publish": PublishSettings,
    "sampling": SamplingSettings,
    "detector": DetectorSettings,
    "outbox": OutboxSettings,
    "health": HealthSettings,
    "live": LiveSettings,
    "talk": TalkSettings,
    "update": UpdateSettings,
}
