"""denoise.tflite, with what it consists of checked, and whether int8 and pieces give what they should."""

from collections.abc import Sequence

import numpy as np

from contract.audio import HOP_SAMPLES
from contract.denoise.spectra import PER_HOP, Analysis, HighPass, Synthesis
from contract.manifest import DENOISE, DENOISER
from model_build.convert import pack_request
from model_build.dataset import Pcm
from model_build.denoise.network import Arrays, Network
from model_build.errors import ParityError
from model_build.export import _in_child, _require_ops
from model_build.runtime import Denoiser, undelayed

OPS = frozenset({
    "ADD", "CAST", "CONCATENATION", "FULLY_CONNECTED", "LOG", "LOGISTIC", "MAXIMUM", "MINIMUM", "MUL", "PAD",
    "RESHAPE", "ROUND", "SPLIT", "SPLIT_V", "STRIDED_SLICE", "SUB", "TANH", "TRANSPOSE",
})  # fmt: skip
"""All that denoise.tflite may consist of; tflite-runtime 2.14 has them too."""

LEAST_PARITY_DB = 30.0
"""How far below the sound the difference of int8 from float must be."""
PIECES_HOPS = (1, 3, 7)
"""Lengths of the calls of the streams that are compared with a recording in one piece."""


def export_denoiser(arrays: Arrays) -> bytes:
    """denoise.tflite with these weights, as int8."""
    content = _in_child(pack_request(DENOISE, {}, dict(arrays)))
    _require_ops(content, OPS, DENOISER)
    return content


def in_float(network: Network, pcm: Pcm) -> Pcm:
    """``pcm`` (samples,) denoised by the trained network, without the exported graph; not late."""
    high_pass, analysis, synthesis = HighPass(), Analysis(), Synthesis()

    def push(samples: Pcm) -> Pcm:
        hops = samples.reshape(-1, HOP_SAMPLES)
        spectra = np.concatenate([analysis.push(high_pass.push(hop)) for hop in hops])
        mask = np.asarray(network.mask(np.abs(spectra)[None] / np.float32(32768)))[0]
        sound = [synthesis.push(pair) for pair in (spectra * mask).reshape(-1, PER_HOP, mask.shape[1])]
        return np.clip(np.rint(np.concatenate(sound)), -32768, 32767).astype(np.int16)

    return undelayed(push, pcm)


def check_parity(content: bytes, network: Network, sounds: Sequence[Pcm]) -> float:
    """Decibels by which the difference of int8 from float is below the sound, over all ``sounds``."""
    denoiser, power, off = Denoiser(content), 0.0, 0.0
    for pcm in sounds:
        expected, found = in_float(network, pcm).astype(np.float64), denoiser.clean(pcm)
        power, off = power + float((expected**2).sum()), off + float(((found - expected) ** 2).sum())
    distance_db = float(10 * np.log10(max(power, 1.0) / max(off, 1.0)))
    if not distance_db >= LEAST_PARITY_DB:
        raise ParityError(
            f"denoiser: int8 is {distance_db:.0f} dB near float (least {LEAST_PARITY_DB:.0f} dB)"
        )
    return distance_db


def streaming_equality(content: bytes, pcm: Pcm) -> dict[int, bool]:
    """Whether calls of so many hops give the bits of ``pcm`` in one piece."""
    denoiser, whole = Denoiser(content), pcm[: pcm.size // HOP_SAMPLES * HOP_SAMPLES]
    expected, equal = denoiser.more(whole), {}
    for hops in PIECES_HOPS:
        denoiser.reset()
        cuts = range(hops * HOP_SAMPLES, whole.size, hops * HOP_SAMPLES)
        found = np.concatenate([denoiser.more(piece) for piece in np.split(whole, list(cuts))])
        equal[hops] = bool(np.array_equal(found, expected))
    if not all(equal.values()):
        raise ParityError("denoiser: a stream in pieces gives other samples than in one piece")
    return equal
