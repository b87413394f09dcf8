"""A bundle is judged before it runs: digests and schema, tensors against the manifest, self-test vectors."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cbor2
import numpy as np
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT, HOP_SAMPLES, MEL_BINS
from contract.bundle import read_bundle
from contract.checks import octets, real, whole
from contract.errors import BundleError, ContractError
from contract.manifest import CLASSIFIER, DENOISE, PREPROCESS, SELFTEST, Manifest
from edge_agent.classifier import Classifier
from edge_agent.errors import ModelError
from edge_agent.framing import Framer
from edge_agent.frontend import FrontEnd
from edge_agent.interpreter import Model, Tensor
from edge_agent.versions import older_than

_SCALE_TOLERANCE: Final = 1e-3
_LARGEST: Final = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far this machine's results lie at most from those in the bundle, each model by itself."""

    feature_steps: int
    posterior: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBundle:
    """A bundle whose models are loaded, and have been seen to do what their manifest promises."""

    manifest: Manifest
    digest: str
    preprocess: Model
    classifier: Model
    parity: Parity


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """Sound, and what the models made of it when the bundle was built."""

    pcm: NDArray[np.int16]
    """(samples,)"""
    features: NDArray[np.int8]
    """(frames, mel bins)"""
    posteriors: NDArray[np.float32]
    """(steps, labels)"""
    features_tolerance_steps: int
    posterior_tolerance: float


def load_bundle(path: Path, agent_version: str) -> LoadedBundle:
    """The bundle at ``path``, ready to run; ``BundleError`` says in a sentence why it must not."""
    bundle = read_bundle(path)
    manifest = bundle.manifest
    require_agent(manifest, agent_version)
    if manifest.kind == DENOISE:
        raise BundleError("holds a denoiser and nothing that recognises: name it as [denoise] bundle")
    try:
        front, back = Model(bundle.files[PREPROCESS], PREPROCESS), Model(bundle.files[CLASSIFIER], CLASSIFIER)
        check_tensors(manifest, front, back)
        test = read_selftest(bundle.files[SELFTEST], len(manifest.labels))
        return LoadedBundle(
            manifest=manifest,
            digest=bundle.digest,
            preprocess=front,
            classifier=back,
            parity=run_selftest(manifest, front, back, test),
        )
    except ModelError as error:
        raise BundleError(str(error)) from error


def require_agent(manifest: Manifest, agent_version: str) -> None:
    """``BundleError`` unless this agent is new enough for the bundle."""
    if older_than(agent_version, manifest.minimum_agent_version):
        raise BundleError(
            f"needs agent {manifest.minimum_agent_version} or later, this is {agent_version}: update it"
        )


def check_tensors(manifest: Manifest, front: Model, back: Model) -> None:
    """The models' inputs and outputs against the manifest; ``BundleError`` names the first that differs."""
    hops = _hops_per_run(front, manifest.step_frames)
    _shape(PREPROCESS, front.inputs, "pcm", (1, hops * HOP_SAMPLES))
    _shape(PREPROCESS, front.outputs, "features", (1, hops, MEL_BINS))
    _same_state(PREPROCESS, front, "state")
    _quantised(PREPROCESS, front.outputs["features"])
    if "features" in back.inputs:
        back.resize("features", (1, manifest.step_frames, MEL_BINS))
    _shape(CLASSIFIER, back.inputs, "features", (1, manifest.step_frames, MEL_BINS))
    _shape(CLASSIFIER, back.outputs, "posteriors", (1, 1, len(manifest.labels)))
    _quantised(CLASSIFIER, back.inputs["features"])
    for name in back.inputs:
        if name != "features":
            _same_state(CLASSIFIER, back, name)


def read_selftest(content: bytes, labels: int) -> SelfTest:
    """The vectors in ``selftest.cbor``; ``BundleError`` if they are none."""
    try:
        plain = cbor2.loads(content)
        return _to_selftest(plain, labels)
    except ContractError as error:
        raise BundleError(f"{SELFTEST}: {error}") from error
    # The codec and the reshaping meet hostile bytes with many kinds of exceptions.
    except Exception as error:
        raise BundleError(f"{SELFTEST}: not readable: {error or type(error).__name__}") from error


def run_selftest(manifest: Manifest, front: Model, back: Model, test: SelfTest) -> Parity:
    """Run the vectors through the models; ``BundleError`` if anything else than promised comes out."""
    features = FrontEnd(front).feed(Framer(HOP_SAMPLES).feed(test.pcm))
    if features.shape != test.features.shape:
        raise BundleError(f"self-test: {len(features)} frames, {len(test.features)} were promised")
    off = int(np.abs(features.astype(np.int16) - test.features).max(initial=0))
    if off > test.features_tolerance_steps:
        raise BundleError(
            f"self-test: the front end is off by {off * FEATURE_SCALE_DB:g} dB on this machine; not used"
        )
    posteriors = Classifier(back, manifest.step_frames).feed(test.features)
    if posteriors.shape != test.posteriors.shape:
        raise BundleError(f"self-test: {len(posteriors)} posteriors, {len(test.posteriors)} were promised")
    apart = float(np.abs(posteriors - test.posteriors).max(initial=0.0))
    # A NaN is not larger than anything, so it is asked for by name.
    if not np.isfinite(apart) or apart > test.posterior_tolerance:
        raise BundleError(f"self-test: posteriors are off by {apart:.3f} on this machine; not used")
    return Parity(feature_steps=off, posterior=apart)


def _to_selftest(plain: Any, labels: int) -> SelfTest:
    if not isinstance(plain, dict):
        raise BundleError(f"{SELFTEST}: expected a map")
    raw = {name: octets(_LARGEST)(name, plain.get(name)) for name in ("pcm", "features", "posteriors")}
    if not raw["pcm"] or not raw["posteriors"]:
        raise BundleError(f"{SELFTEST}: holds no sound or no posteriors")
    return SelfTest(
        pcm=np.frombuffer(raw["pcm"], "<i2").astype(np.int16),
        features=np.frombuffer(raw["features"], np.int8).reshape(-1, MEL_BINS),
        posteriors=np.frombuffer(raw["posteriors"], "<f4").astype(np.float32).reshape(-1, labels),
        features_tolerance_steps=whole(0, 20)(
            "features_tolerance_steps", plain.get("features_tolerance_steps")
        ),
        posterior_tolerance=real(0, 0.5)("posterior_tolerance", plain.get("posterior_tolerance")),
    )


def _hops_per_run(front: Model, step_frames: int) -> int:
    """How many hops the front end says that it takes at once; 1 if that would not divide a step."""
    hops = math.prod(front.inputs["pcm"].shape) // HOP_SAMPLES if "pcm" in front.inputs else 1
    return hops if hops and step_frames % hops == 0 else 1


def _shape(file: str, tensors: Any, name: str, wanted: tuple[int, ...]) -> None:
    if name not in tensors:
        raise BundleError(f"{file}: has no tensor {name!r}; it has {', '.join(sorted(tensors))}")
    if tensors[name].shape != wanted:
        raise BundleError(f"{file}: {name} has shape {tensors[name].shape}, the manifest means {wanted}")


def _same_state(file: str, model: Model, name: str) -> None:
    after = f"{name}_out"
    if name not in model.inputs or after not in model.outputs:
        raise BundleError(f"{file}: state goes in as {name!r} and must come out as {after!r}")
    one, other = model.inputs[name], model.outputs[after]
    if one.shape != other.shape or one.dtype != other.dtype:
        raise BundleError(f"{file}: {name} and {after} differ in shape or type")


def _quantised(file: str, tensor: Tensor) -> None:
    if tensor.dtype != np.int8:
        raise BundleError(f"{file}: features are {tensor.dtype}, not int8")
    # Without quantisation of its own a tensor carries the contract's steps as plain numbers.
    if tensor.scale and (
        abs(tensor.scale - FEATURE_SCALE_DB) > _SCALE_TOLERANCE or tensor.zero_point != FEATURE_ZERO_POINT
    ):
        raise BundleError(f"{file}: features are quantised as {tensor.scale:g}, {tensor.zero_point}")
