"""The base archive: what a training knew, kept to learn again from it later without its recordings.

The float weights, a few varied copies of the training set as feature tensors, the validation clips and the
streams without targets. Features can be turned back into sound: an archive is as personal as the recordings.
"""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.checks import hexadecimal, mapping_of, name, real, sequence_of, text, truth, whole
from contract.manifest import DataSet
from contract.record import Record, checked, nested
from model_build.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin(Record):
    """The bundle whose training the archive keeps."""

    digest: str = checked(hexadecimal(64), "SHA-256 of the bundle")
    name: str = checked(name, "what the model is called")
    version: str = checked(text(40), "its version")
    datasets: tuple[DataSet, ...] = checked(sequence_of(nested(DataSet), high=49), "what it learned from")
    thresholds: Mapping[str, float] = checked(mapping_of(real(0, 1), limit=1000), "its thresholds")
    temperature: float = checked(real(0.01, 100), "what its logits were divided by")
    validation_learned: bool = checked(
        truth, "whether the model learned the validation clips too: it was measured by cross-validation"
    )
    learned: int = checked(whole(1, 10**9), "clips that it learned from")


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Examples of one clip each."""

    features: NDArray[np.int8]
    """(N, T, MEL_BINS)"""
    target: NDArray[np.int16]
    """(N,) index of each one's label"""
    copy: NDArray[np.uint8]
    """(N,) copy that it belongs to; 0 is the clips as they were recorded"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Clips to judge by."""

    features: NDArray[np.int8]
    """(M, T, MEL_BINS)"""
    truth: NDArray[np.int16]
    """(M,)"""
    levels_db: NDArray[np.float32]
    """(M, S) level of each step, as ``contract.clip`` defines it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Long recordings without targets."""

    frames: NDArray[np.int8]
    """(total, MEL_BINS)"""
    offsets: NDArray[np.int64]
    """(streams + 1,) where each begins and ends in ``frames``"""
    label: NDArray[np.int16]
    """(streams,) what the model should say"""
    varied: NDArray[np.uint8]
    """(streams,) zero for recordings as they were; one for those that are only there to choose thresholds"""

    def each(self, *, varied: bool) -> list[tuple[int, NDArray[np.int8]]]:
        """Label and frames of the recordings as they were, or of the varied ones."""
        parts = itertools.pairwise(self.offsets.tolist())
        return [
            (label, self.frames[first:last])
            for label, kind, (first, last) in zip(
                self.label.tolist(), self.varied.tolist(), parts, strict=True
            )
            if bool(kind) == varied
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """All that a training knew."""

    recipe: Recipe
    origin: Origin
    preprocess: bytes
    weights: Mapping[str, NDArray[np.float32]]
    """Of the network before its logits were divided, with the moments of its normalisation."""
    training: Training
    validation: Validation
    streams: Streams
    digest: str = ""
    """SHA-256 of the archive, once it is one."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What the network knows."""
        return self.recipe.labels

    @property
    def frontend_digest(self) -> str:
        """Which windows may be learned together with it."""
        return hashlib.sha256(self.preprocess).hexdigest()
