"""denoise.tflite, in the child process that ``model_build.convert`` is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_build.convert import _convert
from model_build.errors import ConversionError
from model_build.flatbuffer import add_buffer, opcode, quantization, read_model, schema, write_model

_QUANTIZED = ("dense", "kernel1", "recurrent1", "kernel2", "recurrent2", "mask")
_HYBRID_VERSION = 3
"""Of FULLY_CONNECTED with float rows and int8 weights; tflite-runtime 2.14 has it too."""


def convert_denoiser(arrays: dict[str, NDArray[Any]]) -> bytes:
    """The file; the weights in ``arrays`` become int8."""
    from model_build.denoise.graph import build_graph, folded

    weights = folded(arrays)
    model = read_model(_convert(build_graph(weights)))
    for name in _QUANTIZED:
        _store_as_int8(model, name, weights[name].T)
    for tensor in model.subgraphs[0].tensors:
        tensor.name = b""
    for entry in [*model.signatureDefs[0].inputs, *model.signatureDefs[0].outputs]:
        model.subgraphs[0].tensors[entry.tensorIndex].name = entry.name
    opcode(model, "FULLY_CONNECTED", version=_HYBRID_VERSION)
    model.metadata = None
    return write_model(model)


def _store_as_int8(model: Any, name: str, weights: NDArray[np.float32]) -> None:
    """Replace the constant ``weights`` (outputs, inputs) by int8 codes of one scale."""
    graph, wanted = model.subgraphs[0], np.ascontiguousarray(weights, np.float32).tobytes()
    found = [
        tensor
        for tensor in graph.tensors
        if list(tensor.shape if tensor.shape is not None else []) == list(weights.shape)
        and (data := model.buffers[tensor.buffer].data) is not None
        and bytes(data) == wanted
    ]
    if len(found) != 1:
        raise ConversionError(f"expected one constant {name}, found {len(found)}")
    scale = np.float32(np.abs(weights).max() / 127.0)
    codes = np.rint(weights / scale).astype(np.int8)
    model.buffers[found[0].buffer].data = None
    found[0].buffer = add_buffer(model, codes)
    found[0].type = schema().TensorType.INT8
    found[0].quantization = quantization(np.array([scale]), 0)
