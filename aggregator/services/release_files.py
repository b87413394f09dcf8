"""Bundles of releases: each lies under its digest, and is never written again."""

import contextlib
import os
import secrets
from pathlib import Path

from aggregator.errors import ReleaseError
from aggregator.services.durable_files import in_words, open_new, sync, sync_folder
from contract.bundle import Bundle, read_bundle
from contract.errors import ContractError
from contract.manifest import DENOISE


def path_of(folder: Path, digest: str) -> Path:
    """Where the bundle of a release lies."""
    return folder / f"{digest}.bundle"


def read(path: Path) -> Bundle:
    """A bundle that has passed every check; ``ReleaseError`` says what is wrong with it."""
    try:
        bundle = read_bundle(path)
    except ContractError as error:
        raise ReleaseError(f"not a bundle to release: {error}") from error
    if bundle.manifest.kind == DENOISE:
        raise ReleaseError("holds a denoiser and nothing that recognises: nodes could not run it")
    return bundle


def keep(folder: Path, source: Path) -> Bundle:
    """Copy the bundle ``source`` below ``folder`` under its digest, whole or not at all; the bundle.

    What lies there already under that digest stays. Raises ``ReleaseError``.
    """
    bundle = read(source)
    draft = folder / f".draft-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _copy(source, draft)
        # Read again what was copied: the source may have changed in between.
        if read(draft).digest != bundle.digest:
            raise ReleaseError(f"{source} changed while it was copied")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path_of(folder, bundle.digest))  # unlike a rename, it replaces nothing
        sync_folder(folder)
    except OSError as error:
        raise ReleaseError(f"the bundle could not be kept below {folder}: {in_words(error)}") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return bundle


def _copy(source: Path, draft: Path) -> None:
    with open_new(draft) as file:
        file.write(source.read_bytes())
        sync(file)
