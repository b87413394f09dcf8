"""A small repository of The Update Framework, in memory, that can be attacked."""

import hashlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Signed, Snapshot, TargetFile, Targets, Timestamp

DAY_S = 86_400.0
LIVES = {"root": 365, "targets": 90, "snapshot": 7, "timestamp": 1}
"""Days."""


def signer() -> CryptoSigner:
    return CryptoSigner.generate_ed25519()


class Repository:
    """Root 2 of 3, targets, one online key; ``files`` is what a server would give, by path."""

    def __init__(self, now_s: float | None = None) -> None:
        self.now_s = time.time() if now_s is None else now_s
        self.root_keys = [signer() for _ in range(3)]
        self.targets_key, self.online_key = signer(), signer()
        self.versions = {"root": 0, "targets": 0, "snapshot": 0, "timestamp": 0}
        self.targets: dict[str, TargetFile] = {}
        self.files: dict[str, bytes] = {}
        self.sign_root()
        self.first_root = self.files["metadata/1.root.json"]

    def add(self, content: bytes, name: str, **custom: Any) -> str:
        """Sign a bundle as a release; its digest."""
        info = TargetFile.from_data(name, content, ["sha256"])
        info.unrecognized_fields["custom"] = custom
        digest = hashlib.sha256(content).hexdigest()
        self.targets[name] = info
        self.files[f"targets/{digest}.{name}"] = content
        self.sign()
        return digest

    def withdraw(self, name: str) -> None:
        del self.targets[name]
        self.sign()

    def sign(self) -> None:
        """Targets, then what is online."""
        self.versions["targets"] += 1
        self._write(
            "targets", Targets(**self._head("targets"), targets=dict(self.targets)), [self.targets_key]
        )
        self.sign_online()

    def sign_online(self) -> None:
        """Snapshot and timestamp anew."""
        self.versions["snapshot"] += 1
        snapshot = Snapshot(
            **self._head("snapshot"), meta={"targets.json": MetaFile(self.versions["targets"])}
        )
        self._write("snapshot", snapshot, [self.online_key])
        self.sign_timestamp()

    def sign_timestamp(self) -> None:
        self.versions["timestamp"] += 1
        timestamp = Timestamp(**self._head("timestamp"), snapshot_meta=MetaFile(self.versions["snapshot"]))
        self._write("timestamp", timestamp, [self.online_key])

    def sign_root(self, signers: Sequence[CryptoSigner] | None = None) -> None:
        """The next root, of the keys as they are now."""
        self.versions["root"] += 1
        root = Root(**self._head("root"), consistent_snapshot=True)
        for key in self.root_keys:
            root.add_key(key.public_key, "root")
        root.roles["root"].threshold = 2
        root.add_key(self.targets_key.public_key, "targets")
        for role in ("snapshot", "timestamp"):
            root.add_key(self.online_key.public_key, role)
        self._write("root", root, self.root_keys[:2] if signers is None else signers)

    def _head(self, role: str) -> dict[str, Any]:
        expires = datetime.fromtimestamp(self.now_s, UTC) + timedelta(days=LIVES[role])
        return {"version": self.versions[role], "expires": expires.replace(microsecond=0)}

    def _write(self, role: str, signed: Signed, keys: Sequence[CryptoSigner]) -> None:
        metadata = Metadata(signed)
        for key in keys:
            metadata.sign(key, append=True)
        name = "timestamp" if role == "timestamp" else f"{self.versions[role]}.{role}"
        self.files[f"metadata/{name}.json"] = metadata.to_bytes()
