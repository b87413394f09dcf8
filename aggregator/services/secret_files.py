"""Secrets in the data folder, readable by the owner alone."""

import contextlib
import os
import secrets
from pathlib import Path

from aggregator.errors import StoreError


def read_or_make(path: Path, size_bytes: int) -> str:
    """The secret in ``path``, in hexadecimal digits; made if there is none, by whichever process is first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        if not path.exists():
            _write(draft, secrets.token_hex(size_bytes))
            try:
                with contextlib.suppress(FileExistsError):
                    os.link(draft, path)  # unlike a rename, this leaves a secret that is there alone
            finally:
                draft.unlink()
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: {error}") from error


def _write(path: Path, secret: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
