"""Changes to TFLite files that the converter cannot be asked for, through the schema's object API."""

from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

from model_build.errors import ConversionError


def schema() -> Any:
    """The generated classes of the TFLite schema, which come with TensorFlow."""
    from tensorflow.lite.python import schema_py_generated

    return schema_py_generated


def read_model(content: bytes) -> Any:
    """The file as objects that can be changed."""
    return schema().ModelT.InitFromObj(schema().Model.GetRootAsModel(bytearray(content), 0))


def write_model(model: Any) -> bytes:
    """The objects as a file."""
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def op_names(content: bytes) -> list[str]:
    """Builtin operators of the file in the order they run; a custom one is called ``CUSTOM``."""
    model = read_model(content)
    names = {v: k for k, v in vars(schema().BuiltinOperator).items() if isinstance(v, int)}
    codes = [names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes]
    return [codes[op.opcodeIndex] for op in model.subgraphs[0].operators]


def opcode(model: Any, name: str, version: int = 1) -> int:
    """Index of the operator ``name`` in the model's list, added if need be."""
    value = getattr(schema().BuiltinOperator, name)
    for index, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == value:
            code.version = max(code.version, version)
            return index
    code = schema().OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = value, min(value, 127), version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def add_buffer(model: Any, values: NDArray[Any]) -> int:
    """Index of a new buffer that holds ``values``."""
    buffer = schema().BufferT()
    buffer.data = np.frombuffer(values.tobytes(), dtype=np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def quantization(scale: NDArray[np.float32], zero_point: int, axis: int = 0) -> Any:
    """Quantisation of a tensor: one scale, or one for each index of ``axis``."""
    parameters = schema().QuantizationParametersT()
    parameters.scale = scale.astype(np.float32)
    parameters.zeroPoint = np.full(scale.size, zero_point, dtype=np.int64)
    parameters.quantizedDimension = axis
    return parameters


def store_weights_as_int8(model: Any, codes: NDArray[np.int8], scale: NDArray[np.float32]) -> None:
    """Replace the float constant of the shape of ``codes`` by int8 codes, dequantised before all else.

    The runtime dequantises a constant once, so the calls cost what they cost with float weights.
    """
    types = schema().TensorType
    graph = model.subgraphs[0]
    found = [
        index
        for index, tensor in enumerate(graph.tensors)
        if list(tensor.shape) == list(codes.shape) and model.buffers[tensor.buffer].data is not None
    ]
    if len(found) != 1:
        raise ConversionError(f"expected one constant of shape {codes.shape}, found {len(found)}")
    weights = graph.tensors[found[0]]
    stored = schema().TensorT()
    stored.name, stored.shape, stored.type = b"mel_weights", weights.shape, types.INT8
    stored.buffer = add_buffer(model, codes)
    stored.quantization = quantization(scale, 0)
    model.buffers[weights.buffer].data = None
    weights.buffer = 0
    graph.tensors.append(stored)
    dequantize = schema().OperatorT()
    dequantize.opcodeIndex = opcode(model, "DEQUANTIZE", version=5)
    dequantize.inputs, dequantize.outputs = [len(graph.tensors) - 1], [found[0]]
    dequantize.builtinOptionsType = schema().BuiltinOptions.DequantizeOptions
    dequantize.builtinOptions = schema().DequantizeOptionsT()
    graph.operators.insert(0, dequantize)


def signature_tensor(model: Any, name: str, *, output: bool = False) -> Any:
    """The tensor that the model's signature calls ``name``."""
    signature = model.signatureDefs[0]
    for entry in signature.outputs if output else signature.inputs:
        if entry.name.decode() == name:
            return model.subgraphs[0].tensors[entry.tensorIndex]
    raise ConversionError(f"the converted graph has no tensor {name!r}")
