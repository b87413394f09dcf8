"""What a bundle says of itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contract.audio import (
    FEATURE_SCALE_DB,
    FEATURE_ZERO_POINT,
    HOP_SAMPLES,
    MEL_BINS,
    RATE_HZ,
    WINDOW_SAMPLES,
)
from contract.checks import hexadecimal, mapping_of, name, one_of, optional, real, sequence_of, text, whole
from contract.clip import CLIP_RULES
from contract.errors import ContractError
from contract.record import Record, checked, nested

SCHEMA: Final = 1
PREPROCESS: Final = "preprocess.tflite"
CLASSIFIER: Final = "classifier.tflite"
SELFTEST: Final = "selftest.cbor"
DENOISER: Final = "denoise.tflite"
"""May be in any bundle: what takes noise off before anything else hears."""
REQUIRED_FILES: Final = (CLASSIFIER, PREPROCESS, SELFTEST)
DENOISER_FILES: Final = (DENOISER, SELFTEST)
ANOMALY: Final = "anomaly"
"""Kind of model that tells how far a sound is from the normal ones, and the one label that it detects."""
DENOISE: Final = "denoise"
"""Kind of bundle that holds a denoiser and nothing that recognises."""
KINDS: Final = ("classifier", ANOMALY, DENOISE)
ANOMALY_LABELS: Final = ("_normal_", ANOMALY)
"""The second one's posterior is the anomaly score, from 0 to 1; the first one's is what is left of 1."""

INT8: Final = "int8"
DYNAMIC_RANGE: Final = "dynamic-range"
QUANTIZATIONS: Final = (INT8, DYNAMIC_RANGE)

_MEMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_LAYOUT: Final[Mapping[str, float]] = {
    "rate_hz": RATE_HZ,
    "hop_samples": HOP_SAMPLES,
    "window_samples": WINDOW_SAMPLES,
    "mel_bins": MEL_BINS,
    "feature_scale_db": FEATURE_SCALE_DB,
    "feature_zero_point": FEATURE_ZERO_POINT,
}


def is_target(label: str) -> bool:
    """Whether ``label`` may be detected; ``_silence_`` and the like only say that nothing was there.

    >>> is_target("yes"), is_target("_unknown_")
    (True, False)
    """
    return not (label.startswith("_") and label.endswith("_"))


def model_name(bundle_name: str, version: str) -> str:
    """How a model is called in messages and on pages.

    >>> model_name("keywords", "1.0.0")
    'keywords@1.0.0'
    """
    return f"{bundle_name}@{version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry(Record):
    """A member of the bundle."""

    sha256: str = checked(hexadecimal(64), "SHA-256 of the file")
    size_bytes: int = checked(whole(1, 8_000_000), "length of the file")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet(Record):
    """Recordings that the model learned from."""

    name: str = checked(text(100), "name of the data set")
    licence: str = checked(text(100), "licence under which it may be used")
    source: str = checked(text(300), "whom to credit: authors, year, identifier")
    clips: int = checked(whole(0, 10**9), "clips of it that the model was trained on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Record):
    """The bundle's own description; a node trusts nothing that this does not name."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of this description")
    name: str = checked(name, "what the model is called")
    version: str = checked(text(40), "version of the model")
    kind: str = checked(
        one_of(*KINDS),
        "what comes out: `classifier`: posteriors; `anomaly`: 1 − score and the score; `denoise`: sound",
    )
    description: str = checked(text(500), "one sentence for people")
    labels: tuple[str, ...] = checked(
        sequence_of(text(60), high=1000), "one per output, in order; none for `denoise`"
    )
    thresholds: Mapping[str, float] = checked(
        mapping_of(real(0, 1), limit=1000), "label → smoothed posterior from which it is detected"
    )
    smoothing_s: float = checked(real(0, 10), "time constant over which the posterior is averaged")
    refractory_s: float = checked(real(0, 3600), "silence of a label after its detection has ended")
    clip_rule: str = checked(one_of(*CLIP_RULES), "how one label is chosen for a whole clip")
    clip_gate_db: float | None = checked(
        optional(real(0, 120)), "steps this far below the loudest do not count for the clip"
    )
    rate_hz: int = checked(whole(1, 192_000), "sample rate of the model's input")
    hop_samples: int = checked(whole(1, 100_000), "new samples per frame")
    window_samples: int = checked(whole(1, 100_000), "samples under one FFT")
    mel_bins: int = checked(whole(1, 1000), "features per frame")
    feature_scale_db: float = checked(real(0.001, 10), "decibels per step of the int8 feature")
    feature_zero_point: int = checked(whole(-128, 127), "int8 feature that stands for 0 dB")
    step_frames: int = checked(whole(1, 100), "frames per posterior")
    context_s: float = checked(real(0, 60), "sound that one posterior looks back on")
    frontend_digest: str = checked(
        hexadecimal(64),
        "SHA-256 of preprocess.tflite: which frames may be mixed; for `denoise` of denoise.tflite",
    )
    minimum_agent_version: str = checked(text(40), "oldest agent that can run the bundle")
    quantization: str = checked(
        one_of(*QUANTIZATIONS),
        "`int8`: the classifier's LSTM computes in integers; `dynamic-range`: in float, with int8 weights",
        default=INT8,
    )
    recipe: str = checked(text(100), "recipe that made the model")
    datasets: tuple[DataSet, ...] = checked(sequence_of(nested(DataSet), high=50), "what it learned from")
    metrics: Mapping[str, float] = checked(
        mapping_of(real(-1e12, 1e12), limit=500), "what was measured when it was built"
    )
    files: Mapping[str, FileEntry] = checked(
        mapping_of(nested(FileEntry), limit=20), "every other member of the bundle"
    )

    def __post_init__(self) -> None:
        super(Manifest, self).__post_init__()
        if len(set(self.labels)) != len(self.labels):
            raise ContractError("labels: a label stands twice")
        if (self.kind == DENOISE) != (not self.labels) or len(self.labels) == 1:
            raise ContractError("labels: a denoiser has none, every other model at least two")
        if self.kind == ANOMALY and self.labels != ANOMALY_LABELS:
            raise ContractError(f"labels: a model of kind anomaly has {', '.join(ANOMALY_LABELS)}")
        if self.kind != ANOMALY and ANOMALY in self.labels:
            raise ContractError(f"labels: only a model of kind {ANOMALY} has the label {ANOMALY!r}")
        targets = {label for label in self.labels if is_target(label)}
        if set(self.thresholds) != targets:
            raise ContractError("thresholds: must name each label that can be detected, and no other")
        for field, expected in _LAYOUT.items():
            if getattr(self, field) != expected:
                raise ContractError(f"{field}: this contract knows only {expected:g}")
        for member in self.files:
            # Whoever unpacks a bundle must not be led out of the folder.
            if not _MEMBER.fullmatch(member):
                raise ContractError(f"files: {member!r} is no plain file name")
        for required in DENOISER_FILES if self.kind == DENOISE else REQUIRED_FILES:
            if required not in self.files:
                raise ContractError(f"files: {required} is missing")
        first = first_file(self.kind)
        if self.files[first].sha256 != self.frontend_digest:
            raise ContractError(f"frontend_digest: is not that of {first}")

    @property
    def model(self) -> str:
        """Name and version as messages carry them."""
        return model_name(self.name, self.version)


def first_file(kind: str) -> str:
    """Which member of a bundle of ``kind`` hears the samples, and gives the bundle its frontend digest.

    >>> first_file("classifier"), first_file("denoise")
    ('preprocess.tflite', 'denoise.tflite')
    """
    return DENOISER if kind == DENOISE else PREPROCESS


def layout() -> dict[str, Any]:
    """The fields of a manifest that this contract fixes, for whoever writes one."""
    return dict(_LAYOUT)
