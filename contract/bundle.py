"""One deterministic file that holds a model and everything needed to run and judge it.

A ZIP archive with stored members, sorted names and fixed times: the same content gives the same bytes on
every machine. Reading checks sizes before content and digests before parsing; whatever is wrong is a
``BundleError`` with a sentence, and nothing of a bad bundle is handed out.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.errors import BundleError, ContractError
from contract.manifest import SCHEMA, FileEntry, Manifest, first_file, layout

LIMIT_BYTES: Final = 8_000_000
MANIFEST: Final = "manifest.json"
MANIFEST_LIMIT_BYTES: Final = 200_000
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle that has passed every check that needs no interpreter."""

    manifest: Manifest
    files: Mapping[str, bytes]
    digest: str
    """SHA-256 of the whole file."""


def write_bundle(fields: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The bundle's bytes, from the manifest's ``fields`` and its other members.

    ``schema``, the layout of the features, ``files`` and ``frontend_digest`` are filled in here.
    """
    first = first_file(str(fields.get("kind")))
    if first not in files:
        raise BundleError(f"{first} is missing")
    entries = {
        name: FileEntry(sha256=_sha256(content), size_bytes=len(content)) for name, content in files.items()
    }
    try:
        manifest = Manifest(
            schema=SCHEMA, files=entries, frontend_digest=entries[first].sha256, **layout(), **fields
        )
    except ContractError as error:
        raise BundleError(f"manifest: {error}") from error
    members = {MANIFEST: json.dumps(manifest.to_plain(), indent=1, sort_keys=True).encode(), **files}
    content = _pack(members)
    read_bundle(content)
    return content


def read_bundle(source: Path | bytes) -> Bundle:
    """The bundle in ``source``, a path or the bytes themselves; ``BundleError`` says what is wrong."""
    if isinstance(source, bytes):
        return _read(source)
    content = _read_file(source)
    try:
        return _read(content)
    except BundleError as error:
        raise BundleError(f"{source}: {error}") from error


def _read(content: bytes) -> Bundle:
    if len(content) > LIMIT_BYTES:
        raise BundleError(f"larger than {LIMIT_BYTES} bytes")
    members = _unpack(content)
    manifest = _parse_manifest(members.pop(MANIFEST, None))
    if set(members) != set(manifest.files):
        raise BundleError("the archive does not hold the files that its manifest names")
    for name, entry in manifest.files.items():
        if len(members[name]) != entry.size_bytes or _sha256(members[name]) != entry.sha256:
            raise BundleError(f"{name}: content differs from what the manifest promises")
    return Bundle(manifest=manifest, files=members, digest=_sha256(content))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror or error}") from error


def _pack(members: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return target.getvalue()


def _unpack(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
                raise BundleError("members must be stored, not compressed")
            if sum(info.file_size for info in infos) > LIMIT_BYTES:
                raise BundleError(f"members are larger than {LIMIT_BYTES} bytes")
            members = {info.filename: archive.read(info) for info in infos}
    except BundleError:
        raise
    # zipfile answers hostile bytes with many kinds of exceptions (struct.error, NotImplementedError, …).
    except Exception as error:
        raise BundleError(f"not a readable bundle: {error or type(error).__name__}") from error
    # Bytes that no member covers could change unseen; what we pack ourselves leaves none.
    if _pack(members) != content:
        raise BundleError("not packed as a bundle: bytes differ from what its members give")
    return members


def _parse_manifest(content: bytes | None) -> Manifest:
    if content is None:
        raise BundleError(f"{MANIFEST} is missing")
    if len(content) > MANIFEST_LIMIT_BYTES:
        raise BundleError(f"{MANIFEST} is larger than {MANIFEST_LIMIT_BYTES} bytes")
    try:
        return Manifest.from_plain(json.loads(content))
    except ContractError as error:
        raise BundleError(f"{MANIFEST}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{MANIFEST}: not JSON") from error
