"""``parity.json``: the bundle's own proof that what a node runs computes what was trained.

Four parts: ``frontend`` (the graph against a float64 reference), ``quantized`` (the exported classifier and
the trained one; ``scores`` where it is an anomaly model), ``streamed`` (calls of several lengths against the
clip in one piece), ``vectors`` (what the self-test expects, and which machine computed it; a node adds its
own side when it runs them). Nothing in it depends on the time: the same work gives the same bytes.
"""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Bundle
from model_build.evaluate import ClipRule, Heard, score
from model_build.parity import (
    AGREEMENT_LIMIT,
    FRONTEND_LIMIT_DB,
    NRMSE_LIMIT,
    frontend_differences_db,
    streaming_equality,
)
from model_build.recipe import FrontendRecipe
from model_build.runtime import Classifier, Frontend

PARITY = "parity.json"
SCHEMA = 1
LIMIT_BYTES = 100_000

Part = Mapping[str, Any]


def frontend_part(frontend: Frontend, recipe: FrontendRecipe) -> Part:
    """Largest difference from the reference in dB on each probe."""
    differences_db = frontend_differences_db(frontend, recipe)
    return {"limit_db": FRONTEND_LIMIT_DB, "largest_db": _rounded(differences_db)}


def streamed_part(classifier: Classifier, features: NDArray[np.int8]) -> Part:
    """Whether each length of call gives the bits of the clip ``features`` (T, MEL_BINS) in one piece."""
    equal = streaming_equality(classifier, features)
    return {"frames": len(features), "equal": {str(frames): same for frames, same in equal.items()}}


def quantized_part(
    agreement: Mapping[str, float],
    floating: Sequence[Heard],
    quantized: Sequence[Heard],
    labels: Sequence[str],
    rule: ClipRule,
) -> Part:
    """Agreement on training clips, and accuracy on the same validation clips in both forms.

    ``agreement`` is what ``parity.check_classifier`` gives.
    """
    before, after = score(floating, labels, rule), score(quantized, labels, rule)
    return {
        "agreement": round(agreement["parity_agreement"], 6),
        "agreement_least": AGREEMENT_LIMIT,
        "logits_nrmse": round(agreement["parity_nrmse"], 6),
        "logits_nrmse_most": NRMSE_LIMIT,
        "validation": {
            "clips": after.clips,
            "float_accuracy": round(before.accuracy, 6),
            "quantized_accuracy": round(after.accuracy, 6),
            "difference": round(after.accuracy - before.accuracy, 6),
        },
    }


def vectors_part(selftest: bytes, features_tolerance_steps: int, posterior_tolerance: float) -> Part:
    """What the self-test promises, and what computed it."""
    return {
        "sha256": hashlib.sha256(selftest).hexdigest(),
        "features_tolerance_steps": features_tolerance_steps,
        "posterior_tolerance": posterior_tolerance,
        "runtime": f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}",
        "machine": f"{platform.system()} {platform.machine()}",
    }


def pack_parity(parts: Mapping[str, Part]) -> bytes:
    """The member's bytes; equal parts give equal bytes."""
    return json.dumps({"schema": SCHEMA, **parts}, indent=1, sort_keys=True).encode()


def read_parity(bundle: Bundle) -> Mapping[str, Any] | None:
    """The bundle's report; none if it has none, or one that cannot be read."""
    content = bundle.files.get(PARITY)
    if content is None or len(content) > LIMIT_BYTES:
        return None
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) and plain.get("schema") == SCHEMA else None


def readable(parity: Mapping[str, Any] | None) -> list[str]:
    """The report as lines for people; parts that are not there are left out."""
    if parity is None:
        return ["the bundle holds no parity report"]
    try:
        return list(_lines(parity))
    # Anybody can make a bundle; what is in it need not be what we write.
    except (KeyError, TypeError, ValueError, AttributeError):
        return ["the bundle's parity report cannot be read"]


def _lines(parity: Mapping[str, Any]) -> Iterator[str]:
    if part := parity.get("frontend"):
        worst = max(part["largest_db"].items(), key=lambda item: item[1])
        yield (
            f"front end against float64: at most {worst[1]:.2f} dB apart (on {worst[0]} sound; limit"
            f" {part['limit_db']:g} dB, of which 0.25 are rounding)"
        )
    if part := parity.get("quantized"):
        yield (
            f"quantized against float: the same label for {part['agreement']:.1%} of training clips (least"
            f" {part['agreement_least']:.0%}), logits off by {part['logits_nrmse']:.3f} of their spread"
            f" (most {part['logits_nrmse_most']:g})"
        )
        held = part["validation"]
        yield (
            f"  on {held['clips']} validation clips: float {held['float_accuracy']:.2%}, quantized"
            f" {held['quantized_accuracy']:.2%} ({100 * held['difference']:+.2f} points)"
        )
    if part := parity.get("scores"):
        yield (
            f"quantized against float: scores off by {part['nrmse']:.3f} of their spread"
            f" (most {part['nrmse_most']:g})"
        )
    if part := parity.get("denoiser"):
        yield (
            f"quantized against float: sound {part['float_db']:.0f} dB over the difference"
            f" (least {part['float_db_least']:g} dB)"
        )
    if part := parity.get("streamed"):
        calls = ", ".join(
            f"{frames} ({'yes' if same else 'NO'})" for frames, same in _by_number(part["equal"])
        )
        yield f"streamed against whole, bit for bit, frames a call: {calls}"
    if part := parity.get("denoised"):
        yield (
            f"self-test sound: computed by {part['runtime']} on {part['machine']}; what a node makes of it"
            f" must be {part['least_db']:g} dB near"
        )
    if part := parity.get("vectors"):
        yield (
            f"self-test vectors {part['sha256'][:12]}: computed by {part['runtime']} on {part['machine']};"
            f" a node may differ by {part['features_tolerance_steps']} step of a feature and"
            f" {part['posterior_tolerance']:g} of a posterior"
        )


def _by_number(equal: Mapping[str, bool]) -> list[tuple[str, bool]]:
    return sorted(equal.items(), key=lambda item: int(item[0]))


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items()}
