"""From weights to files that the node can run, with what they consist of checked."""

import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.manifest import DYNAMIC_RANGE, INT8, QUANTIZATIONS
from model_build.convert import pack_request
from model_build.errors import ConversionError
from model_build.flatbuffer import op_names, read_model, schema
from model_build.frontend import HOPS_PER_RUN
from model_build.recipe import FrontendRecipe, NetworkRecipe

CONVERSION_LIMIT_S = 600

FRONTEND_OPS = frozenset({
    "ADD", "CAST", "CONCATENATION", "DEQUANTIZE", "FULLY_CONNECTED", "LEAKY_RELU", "LOG", "MAXIMUM",
    "MINIMUM", "MUL", "RELU", "RESHAPE", "ROUND", "SPLIT", "SPLIT_V", "STRIDED_SLICE", "SUB", "TRANSPOSE",
})  # fmt: skip
"""All that preprocess.tflite may consist of; tflite-runtime 2.14 has them too."""

CLASSIFIER_OPS = frozenset({
    "ADD", "AVERAGE_POOL_2D", "CAST", "CONCATENATION", "CONV_2D", "DIV", "FULLY_CONNECTED",
    "LOGISTIC", "MAXIMUM", "MINIMUM", "MUL", "PAD", "RESHAPE", "ROUND", "SOFTMAX", "SPLIT",
    "SPLIT_V", "STRIDED_SLICE", "SUB", "SUM", "UNIDIRECTIONAL_SEQUENCE_LSTM",
})  # fmt: skip
"""All that classifier.tflite may consist of."""


def export_frontend(recipe: FrontendRecipe, hops_per_run: int = HOPS_PER_RUN) -> bytes:
    """preprocess.tflite of ``recipe``; ``hops_per_run`` changes its cost, and no bit of any frame."""
    asked = pack_request("frontend", dataclasses.asdict(recipe), {}, hops_per_run=hops_per_run)
    content = _in_child(asked)
    _require_ops(content, FRONTEND_OPS, "preprocess.tflite")
    return content


def export_classifier(
    recipe: NetworkRecipe,
    weights: dict[str, NDArray[Any]],
    calibration: NDArray[np.float32],
    variant: str = INT8,
) -> bytes:
    """classifier.tflite in one of ``QUANTIZATIONS``.

    ``calibration`` is (N, history + T, MEL_BINS) normalised frames.
    """
    if variant not in QUANTIZATIONS:
        raise ConversionError(f"variant must be {' or '.join(QUANTIZATIONS)}, not {variant!r}")
    arrays = {**weights, "calibration": calibration}
    content = _in_child(pack_request("classifier", dataclasses.asdict(recipe), arrays, variant=variant))
    _require_ops(content, CLASSIFIER_OPS, "classifier.tflite")
    require_fused_lstm(content, variant)
    return content


def require_fused_lstm(content: bytes, variant: str = INT8) -> None:
    """Refuse a classifier whose LSTM is not one fused operator of ``variant`` without a clip on its cell."""
    if quantization_of(content) != variant:
        raise ConversionError(f"the fused LSTM is not {variant}")


def quantization_of(content: bytes) -> str:
    """Which of ``QUANTIZATIONS`` a classifier's LSTM is; ``ConversionError`` if it is not as it should be."""
    model = read_model(content)
    graph, options = model.subgraphs[0], schema().UnidirectionalSequenceLSTMOptionsT
    fused = [op for op in graph.operators if isinstance(op.builtinOptions, options)]
    if len(fused) != 1:
        raise ConversionError(f"expected one fused LSTM, found {len(fused)}")
    if fused[0].builtinOptions.cellClip != 0.0:
        raise ConversionError("the fused LSTM still clips its cell")
    rows, *weights = (graph.tensors[fused[0].inputs[index]].type for index in (0, 2, 6))
    types = schema().TensorType
    if set(weights) != {types.INT8} or rows not in (types.INT8, types.FLOAT32):
        raise ConversionError("the fused LSTM has no int8 weights")
    return INT8 if rows == types.INT8 else DYNAMIC_RANGE


def _require_ops(content: bytes, allowed: frozenset[str], name: str) -> None:
    strange = sorted(set(op_names(content)) - allowed)
    if strange:
        raise ConversionError(f"{name}: holds operators that nodes may lack: {', '.join(strange)}")


def _in_child(request: bytes) -> bytes:
    with tempfile.TemporaryDirectory(prefix="soundpost-convert-") as folder:
        asked, answered = Path(folder, "request.npz"), Path(folder, "result.tflite")
        asked.write_bytes(request)
        command = [sys.executable, "-m", "model_build.convert", str(asked), str(answered)]
        try:
            child = subprocess.run(command, capture_output=True, timeout=CONVERSION_LIMIT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise ConversionError(f"the conversion took longer than {CONVERSION_LIMIT_S} s") from error
        if child.returncode != 0 or not answered.is_file():
            raise ConversionError(_complaint(child.returncode, child.stderr.decode(errors="replace")))
        return answered.read_bytes()


def _complaint(code: int, log: str) -> str:
    if code < 0:
        return f"TensorFlow's converter crashed (signal {-code}); nothing was written"
    last = [line for line in log.splitlines() if line.strip()][-1:] or ["no message"]
    return f"the conversion failed with exit code {code}: {last[0]}"
