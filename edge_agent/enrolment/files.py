"""The node's key, certificate and record on disk: each file whole, none readable by others."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from contract.enrolment import Granted, to_bytes, write
from edge_agent.enrolment.keys import NodeKey, serial_of
from edge_agent.errors import EnrolmentError
from edge_agent.settings.enrolled import (
    Enrolled,
    authority_path,
    identity_path,
    read_enrolled,
    record_path,
    root_path,
)


@dataclass(frozen=True, slots=True)
class EnrolmentFiles:
    """All of it, in ``folder``. ``EnrolmentError`` if the disk refuses."""

    folder: Path

    def next_key(self) -> NodeKey:
        """The key to be certified next: kept before it is shown, for whoever must ask again."""
        path = self.folder / "next.key"
        if path.exists():
            return NodeKey.load(self._read(path))
        key = NodeKey.make()
        self._write(path, key.pem)
        return key

    def forget_next_key(self) -> None:
        """It is certified."""
        (self.folder / "next.key").unlink(missing_ok=True)

    def identity(self) -> tuple[NodeKey, str]:
        """The key that is certified, and its certificate's serial number."""
        pem = self._read(identity_path(self.folder))
        return NodeKey.load(pem), serial_of(pem)

    def authority(self) -> bytes:
        """The fleet's authority (DER)."""
        return ssl.PEM_cert_to_DER_cert(self._read(authority_path(self.folder)).decode("ascii"))

    def record(self) -> Enrolled | None:
        """What the node was told."""
        return read_enrolled(self.folder)

    def keep_identity(self, key: NodeKey, granted: Granted) -> None:
        """Key and certificate at once."""
        certificate = ssl.DER_cert_to_PEM_cert(to_bytes(granted.certificate))
        self._write(identity_path(self.folder), key.pem + certificate.encode())

    def keep_fleet(self, authority: bytes, root: bytes | None) -> None:
        """What the node believes in."""
        record_path(self.folder).unlink(missing_ok=True)  # until it is written again, the node has not joined
        self._write(authority_path(self.folder), ssl.DER_cert_to_PEM_cert(authority).encode())
        if root is None:
            root_path(self.folder).unlink(missing_ok=True)
        else:
            self._write(root_path(self.folder), root)

    def keep_first_root(self, root: bytes) -> None:
        """Believe in this root of updates, unless the node believes in one already."""
        if not root_path(self.folder).exists():
            self._write(root_path(self.folder), root)

    def keep_record(self, record: Enrolled) -> None:
        """What the settings are read from."""
        self._write(record_path(self.folder), write(record))

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise EnrolmentError(f"{path}: {error.strerror or error}") from error

    def _write(self, path: Path, content: bytes) -> None:
        beside = path.with_name(f"{path.name}.new")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._hand_over(self.folder, beside)
            beside.replace(path)
            self._sync_folder()
        except OSError as error:
            raise EnrolmentError(f"{path}: {error.strerror or error}") from error

    def _hand_over(self, *paths: Path) -> None:
        """What root writes belongs to whoever the state folder belongs to: the agent must read it."""
        if os.geteuid() == 0:
            owner = self.folder.parent.stat()
            for path in paths:
                os.chown(path, owner.st_uid, owner.st_gid)

    def _sync_folder(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
