"""Which denoiser a node uses; the one in a bundle is judged before it runs, as every model is."""

from pathlib import Path
from typing import Any, Final

import cbor2
import numpy as np
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES
from contract.bundle import Bundle, read_bundle
from contract.checks import octets, real
from contract.errors import BundleError, ContractError
from contract.manifest import DENOISER, SELFTEST
from edge_agent.bundles import _same_state, _shape, require_agent
from edge_agent.denoising import PCM, PCM_OUT, STATE, ClassicDenoiser, Denoiser, ModelDenoiser
from edge_agent.errors import ModelError
from edge_agent.interpreter import Model
from edge_agent.settings import DenoiseSettings

_LARGEST: Final = 4_000_000


def make_denoiser(settings: DenoiseSettings, model: Path, agent_version: str) -> Denoiser | None:
    """The denoiser that ``settings`` ask for, beside the bundle at ``model``; ``None`` if none.

    ``BundleError`` says why a bundle's must not run.
    """
    if not settings.on:
        return None
    path = settings.bundle or model
    bundle = read_bundle(path)
    if DENOISER in bundle.files:
        return load_denoiser(bundle, agent_version)
    if settings.bundle is not None:
        raise BundleError(f"{path}: holds no {DENOISER}")
    return ClassicDenoiser()


def load_denoiser(bundle: Bundle, agent_version: str) -> ModelDenoiser:
    """The denoiser in ``bundle``, seen to do what it promises; ``BundleError`` says why it must not run."""
    require_agent(bundle.manifest, agent_version)
    try:
        model = Model(bundle.files[DENOISER], DENOISER)
        _shape(DENOISER, model.inputs, PCM, (1, HOP_SAMPLES))
        _shape(DENOISER, model.outputs, PCM_OUT, (1, HOP_SAMPLES))
        _same_state(DENOISER, model, STATE)
        if any(tensor.dtype != np.int16 for tensor in (model.inputs[PCM], model.outputs[PCM_OUT])):
            raise BundleError(f"{DENOISER}: samples are not int16")
        found = ModelDenoiser(model, f"{bundle.manifest.model}#{bundle.manifest.files[DENOISER].sha256[:12]}")
        _require_agreement(found, bundle.files[SELFTEST])
    except ModelError as error:
        raise BundleError(str(error)) from error
    found.reset()
    return found


def _require_agreement(denoiser: ModelDenoiser, content: bytes) -> None:
    heard, promised, least_db = _read_vectors(content)
    off = denoiser.feed(heard).astype(np.float64) - promised
    distance_db = 10 * np.log10(np.mean(promised.astype(np.float64) ** 2) / max(float(np.mean(off**2)), 1e-6))
    # A NaN is not smaller than anything, so the comparison is turned around.
    if not distance_db >= least_db:
        raise BundleError(
            f"self-test: {DENOISER} is only {distance_db:.0f} dB near what it should be here; not used"
        )


def _read_vectors(content: bytes) -> tuple[NDArray[np.int16], NDArray[np.int16], float]:
    """Sound, what comes of it, and how near that must be; ``BundleError`` if ``content`` holds none."""
    try:
        plain: Any = cbor2.loads(content)
        raw = [octets(_LARGEST)(name, plain.get(name)) for name in ("pcm", "denoised")]
        least_db = real(10, 200)("denoised_least_db", plain.get("denoised_least_db"))
        heard, promised = (np.frombuffer(part, "<i2").astype(np.int16) for part in raw)
    except ContractError as error:
        raise BundleError(f"{SELFTEST}: {error}") from error
    # The codec and the reading meet hostile bytes with many kinds of exceptions.
    except Exception as error:
        raise BundleError(f"{SELFTEST}: not readable: {error or type(error).__name__}") from error
    if heard.size != promised.size or not promised.any() or heard.size % HOP_SAMPLES:
        raise BundleError(f"{SELFTEST}: holds no sound that was denoised")
    return heard, promised, least_db
