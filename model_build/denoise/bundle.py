"""A bundle that holds a denoiser, and a bundle that gets one."""

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import fields

import cbor2
import numpy as np

from contract.audio import HOP_SAMPLES
from contract.bundle import Bundle, write_bundle
from contract.manifest import DENOISE, DENOISER, DYNAMIC_RANGE, SELFTEST, DataSet, Manifest, layout
from model_build.bundle import selftest_sound
from model_build.dataset import Pcm
from model_build.denoise.recipe import DenoiseRecipe
from model_build.errors import ModelBuildError
from model_build.parity_report import PARITY, Part, pack_parity
from model_build.runtime import Denoiser
from model_build.shape import STEP_FRAMES

MINIMUM_AGENT_VERSION = "0.1.0"
LEAST_AGREEMENT_DB = 25.0
"""Another processor's float may round a weight's product the other way."""
_SELFTEST_HOPS = 10
_FROM_HOP = 8
"""Where the common self-test sound has begun to be loud."""


def make_denoise_bundle(
    recipe: DenoiseRecipe,
    denoiser: bytes,
    *,
    metrics: Mapping[str, float],
    datasets: Sequence[DataSet],
    proof: Mapping[str, Part],
) -> bytes:
    """The bundle's bytes; the same model and figures give the same bytes."""
    start = _FROM_HOP * HOP_SAMPLES
    sound = selftest_sound()[start : start + _SELFTEST_HOPS * HOP_SAMPLES]
    given = {
        "name": recipe.name,
        "version": recipe.version,
        "kind": DENOISE,
        "description": recipe.description,
        "labels": (),
        "thresholds": {},
        "smoothing_s": 0.0,
        "refractory_s": 0.0,
        "clip_rule": "mean",
        "clip_gate_db": None,
        "step_frames": STEP_FRAMES,
        "context_s": 0.0,
        "minimum_agent_version": MINIMUM_AGENT_VERSION,
        "quantization": DYNAMIC_RANGE,
        "recipe": recipe.name,
        "datasets": tuple(datasets),
        "metrics": {name: round(float(value), 6) for name, value in metrics.items()},
    }
    vectors = cbor2.dumps({"pcm": sound.astype("<i2").tobytes(), **denoised(denoiser, sound)}, canonical=True)
    report = {**proof, "denoised": _promise()}
    return write_bundle(given, {DENOISER: denoiser, SELFTEST: vectors, PARITY: pack_parity(report)})


def denoised(denoiser: bytes, sound: Pcm) -> dict[str, bytes | float]:
    """What the self-test says of a denoiser: what it makes of ``sound``, and how near that must be."""
    made = Denoiser(denoiser).more(sound)
    return {"denoised": made.astype("<i2").tobytes(), "denoised_least_db": LEAST_AGREEMENT_DB}


def with_denoiser(bundle: Bundle, donor: Bundle) -> bytes:
    """``bundle`` with the denoiser of ``donor`` in it; its models and their digests stay as they are."""
    if DENOISER not in donor.files:
        raise ModelBuildError(f"the bundle {donor.manifest.model} holds no {DENOISER}")
    if bundle.manifest.kind == DENOISE:
        raise ModelBuildError(f"{bundle.manifest.model} is a denoiser itself")
    vectors = cbor2.loads(bundle.files[SELFTEST])
    whole = np.frombuffer(vectors["pcm"], "<i2").astype(np.int16)
    if whole.size % HOP_SAMPLES:
        raise ModelBuildError(f"{bundle.manifest.model}: its self-test does not hold whole hops")
    vectors |= denoised(donor.files[DENOISER], whole)
    files = {
        **bundle.files,
        DENOISER: donor.files[DENOISER],
        SELFTEST: cbor2.dumps(vectors, canonical=True),
    }
    return write_bundle(_given(bundle.manifest, donor.manifest), files)


def _given(manifest: Manifest, donor: Manifest) -> dict[str, object]:
    """The fields of a manifest that whoever writes one gives, with what the denoiser learned from."""
    fixed = {"schema", "files", "frontend_digest", *layout()}
    kept = {
        field.name: getattr(manifest, field.name) for field in fields(manifest) if field.name not in fixed
    }
    more = [dataset for dataset in donor.datasets if dataset not in manifest.datasets]
    return {**kept, "datasets": (*manifest.datasets, *more)}


def _promise() -> Part:
    return {
        "least_db": LEAST_AGREEMENT_DB,
        "runtime": f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}",
        "machine": f"{platform.system()} {platform.machine()}",
    }
