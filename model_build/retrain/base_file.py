"""A base archive as a file: one deterministic ZIP archive, written whole, and read without trust."""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import MEL_BINS
from contract.errors import ContractError
from contract.manifest import PREPROCESS
from model_build.errors import BaseArchiveError, RecipeError
from model_build.recipe import parse_recipe
from model_build.retrain.archive import (
    LIMIT_BYTES,
    UnreadableError,
    map_arrays,
    read_bytes,
    read_members,
    write_archive,
    write_arrays,
)
from model_build.retrain.base import Base, Origin, Streams, Training, Validation
from model_build.shape import STEP_FRAMES

SCHEMA: Final = 1
BASE: Final = "base.json"
WEIGHTS: Final = "weights.npz"
TRAINING: Final = "training.npz"
VALIDATION: Final = "validation.npz"
STREAMS: Final = "streams.npz"
_BASE_LIMIT_BYTES: Final = 1_000_000
_PREPROCESS_LIMIT_BYTES: Final = 8_000_000


def write_base(base: Base, path: Path) -> None:
    """Write the archive; a full disk leaves nothing of it."""
    partial = path.with_name(f".{path.name}.partial")
    head = {
        "schema": SCHEMA,
        "recipe": asdict(base.recipe),
        "labels": base.labels,
        "frontend_digest": base.frontend_digest,
        "origin": base.origin.to_plain(),
        "counts": _counts(base),
    }
    try:
        # Beside the archive: a temporary folder may be memory, and this is as large as the archive.
        with tempfile.TemporaryDirectory(prefix=".base-", dir=path.resolve().parent) as folder:
            parts = {
                WEIGHTS: dict(base.weights),
                TRAINING: _arrays(base.training),
                VALIDATION: _arrays(base.validation),
                STREAMS: _arrays(base.streams),
            }
            files: dict[str, bytes | Path] = {
                part: write_arrays(Path(folder, part), arrays) for part, arrays in parts.items()
            }
            files[PREPROCESS] = base.preprocess
            files[BASE] = json.dumps(head, indent=1, sort_keys=True).encode()
            with partial.open("wb") as file:
                write_archive(file, files)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BaseArchiveError(f"{path}: cannot be written: {error.strerror or error}") from error


def read_base(path: Path) -> Base:
    """The archive at ``path``, its large arrays mapped; ``BaseArchiveError`` says what is wrong with it."""
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise UnreadableError(f"larger than {LIMIT_BYTES} bytes")
        return _read(path)
    except OSError as error:
        raise BaseArchiveError(f"{path}: {error.strerror or error}") from error
    except (UnreadableError, ContractError, RecipeError) as error:
        raise BaseArchiveError(f"{path}: no base archive: {error}") from error


def _read(path: Path) -> Base:
    names = frozenset({BASE, PREPROCESS, WEIGHTS, TRAINING, VALIDATION, STREAMS})
    spans = read_members(path, names)
    head = _head(read_bytes(path, spans[BASE], _BASE_LIMIT_BYTES))
    base = Base(
        recipe=parse_recipe(head["recipe"]),
        origin=Origin.from_plain(head["origin"]),
        preprocess=read_bytes(path, spans[PREPROCESS], _PREPROCESS_LIMIT_BYTES),
        weights=map_arrays(path, spans[WEIGHTS]),
        training=Training(**_named(Training, map_arrays(path, spans[TRAINING]))),
        validation=Validation(**_named(Validation, map_arrays(path, spans[VALIDATION]))),
        streams=Streams(**_named(Streams, map_arrays(path, spans[STREAMS]))),
        digest=_digest(path),
    )
    _require(base, head)
    return base


def _head(content: bytes) -> dict[str, Any]:
    try:
        head = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{BASE}: not JSON") from error
    wanted = {"schema", "recipe", "labels", "frontend_digest", "origin", "counts"}
    if not isinstance(head, dict) or set(head) != wanted or not isinstance(head["recipe"], dict):
        raise UnreadableError(f"{BASE}: must hold {', '.join(sorted(wanted))}")
    if head["schema"] != SCHEMA:
        raise UnreadableError(f"{BASE}: schema {head['schema']!r} is not known here")
    return head


def _named(kind: type, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    wanted = set(kind.__annotations__)
    if set(arrays) != wanted:
        raise UnreadableError(f"{kind.__name__.lower()}: must hold {', '.join(sorted(wanted))}")
    return arrays


def _require(base: Base, head: Mapping[str, Any]) -> None:
    """Refuse arrays that do not fit each other, the recipe, or what base.json promises."""
    training, validation, streams, labels = base.training, base.validation, base.streams, len(base.labels)
    count, frames = _shape3(training.features)
    judged, judged_frames = _shape3(validation.features)
    steps = judged_frames // STEP_FRAMES
    recurrent = base.weights.get("recurrent", np.empty(0))
    out = base.weights.get("out", np.empty(0))
    fits = (
        recurrent.shape == (base.recipe.network.hidden, 4 * base.recipe.network.hidden),
        out.shape == (base.recipe.network.hidden, labels),
        all(weights.dtype in (np.float32, np.int32) for weights in base.weights.values()),
        frames % STEP_FRAMES == 0 and judged_frames % STEP_FRAMES == 0 and frames > 0 and count > 0,
        _indices(training.target, count, labels) and _indices(training.copy, count, 256),
        _indices(validation.truth, judged, labels),
        validation.levels_db.shape == (judged, steps) and validation.levels_db.dtype == np.float32,
        streams.frames.ndim == 2 and streams.frames.dtype == np.int8,
        streams.frames.shape[-1] == MEL_BINS,
        _indices(streams.label, streams.label.size, labels),
        _indices(streams.varied, streams.label.size, 2),
        _bounds(streams.offsets, streams.label.size, len(streams.frames)),
    )
    if not all(fits):
        raise UnreadableError(f"its arrays do not fit ({fits.index(False)})")
    if (list(base.labels), base.frontend_digest, _counts(base)) != (
        head["labels"],
        head["frontend_digest"],
        head["counts"],
    ):
        raise UnreadableError(f"{BASE} promises other contents")


def _shape3(features: NDArray[np.int8]) -> tuple[int, int]:
    if features.ndim != 3 or features.dtype != np.int8 or features.shape[2] != MEL_BINS:
        raise UnreadableError(f"features must be (examples, frames, {MEL_BINS}) int8")
    return features.shape[0], features.shape[1]


def _indices(values: NDArray[Any], count: int, below: int) -> bool:
    whole = values.shape == (count,) and values.dtype in (np.int16, np.uint8)
    return whole and (count == 0 or (int(values.min()) >= 0 and int(values.max()) < below))


def _bounds(offsets: NDArray[Any], parts: int, total: int) -> bool:
    if offsets.shape != (parts + 1,) or offsets.dtype != np.int64:
        return False
    return bool(offsets[0] == 0 and offsets[-1] == total and (np.diff(offsets) >= 0).all())


def _arrays(part: Training | Validation | Streams) -> dict[str, NDArray[Any]]:
    return {field: getattr(part, field) for field in type(part).__annotations__}


def _counts(base: Base) -> dict[str, int]:
    return {
        "training": len(base.training.target),
        "copies": int(base.training.copy.max(initial=0)) + 1,
        "validation": len(base.validation.truth),
        "streams": len(base.streams.label),
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
