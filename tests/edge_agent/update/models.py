"""Bundles that are well signed, and bad: real TFLite models with something added that harms."""

from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from contract.bundle import read_bundle
from contract.manifest import CLASSIFIER
from tests.edge_agent.test_bundles import changed


def laden(source: Path, target: Path, *, times: int, size_bytes: int) -> Path:
    """A bundle like ``source``, whose classifier fills so many bytes, ``times`` a run, for nothing."""
    classifier = _with_tiles(read_bundle(source).files[CLASSIFIER], times, size_bytes)
    return changed(source, target, {}, {CLASSIFIER: classifier})


def broken(source: Path, target: Path) -> Path:
    """A bundle like ``source``, whose classifier crashes the runtime: a slice that does not say of what."""
    model = schema.ModelT.InitFromPackedBuf(read_bundle(source).files[CLASSIFIER])
    first = model.subgraphs[0].operators[0]
    first.opcodeIndex = _code(model, schema.BuiltinOperator.SLICE)
    first.builtinOptions, first.builtinOptionsType = None, 0
    return changed(source, target, {}, {CLASSIFIER: _pack(model)})


def hanging(source: Path, target: Path) -> Path:
    """A bundle like ``source``, whose classifier first loops for as long as a number equals itself."""
    model = schema.ModelT.InitFromPackedBuf(read_bundle(source).files[CLASSIFIER])
    condition, body = _loop_part(model, b"condition"), _loop_part(model, b"body")
    compare, keep = schema.OperatorT(), schema.OperatorT()
    compare.opcodeIndex = _code(model, schema.BuiltinOperator.EQUAL)
    compare.builtinOptions, compare.builtinOptionsType = (
        schema.EqualOptionsT(),
        schema.BuiltinOptions.EqualOptions,
    )
    compare.inputs = np.array([0, 0], np.int32)
    _ends(condition, compare, schema.TensorType.BOOL)
    keep.opcodeIndex = _code(model, schema.BuiltinOperator.ABS)
    keep.builtinOptions, keep.builtinOptionsType = schema.AbsOptionsT(), schema.BuiltinOptions.AbsOptions
    keep.inputs = np.array([0], np.int32)
    _ends(body, keep, schema.TensorType.FLOAT32)
    graph, loop = model.subgraphs[0], schema.OperatorT()
    loop.opcodeIndex = _code(model, schema.BuiltinOperator.WHILE)
    loop.builtinOptions, loop.builtinOptionsType = schema.WhileOptionsT(), schema.BuiltinOptions.WhileOptions
    loop.builtinOptions.condSubgraphIndex = len(model.subgraphs) - 2
    loop.builtinOptions.bodySubgraphIndex = len(model.subgraphs) - 1
    loop.inputs = np.array(
        [_constant(model, graph, np.ones(1, np.float32), schema.TensorType.FLOAT32)], np.int32
    )
    loop.outputs = np.array([_tensor(graph, 0, (1,), schema.TensorType.FLOAT32)], np.int32)
    graph.operators.insert(0, loop)
    return changed(source, target, {}, {CLASSIFIER: _pack(model)})


def _loop_part(model: Any, name: bytes) -> Any:
    graph = schema.SubGraphT()
    graph.name, graph.tensors, graph.operators = name, [], []
    graph.inputs = np.array([_tensor(graph, 0, (1,), schema.TensorType.FLOAT32)], np.int32)
    model.subgraphs.append(graph)
    return graph


def _ends(graph: Any, operator: Any, kind: int) -> None:
    operator.outputs = np.array([_tensor(graph, 0, (1,), kind)], np.int32)
    graph.operators.append(operator)
    graph.outputs = operator.outputs


def _with_tiles(content: bytes, times: int, size_bytes: int) -> bytes:
    model = schema.ModelT.InitFromPackedBuf(content)
    graph = model.subgraphs[0]
    tile = _code(model, schema.BuiltinOperator.TILE)
    # Of what comes in, for what can be known before is computed only once.
    features = next(n for n in graph.inputs if graph.tensors[n].type == schema.TensorType.INT8)
    _, frames, bins = graph.tensors[features].shape
    repeats = size_bytes // int(frames * bins)
    often = _constant(model, graph, np.array([1, repeats, 1], np.int32), schema.TensorType.INT32)
    out = _tensor(graph, 0, (1, int(frames) * repeats, int(bins)), schema.TensorType.INT8)
    for _ in range(times):
        operator = schema.OperatorT()
        operator.opcodeIndex = tile
        operator.inputs, operator.outputs = np.array([features, often], np.int32), np.array([out], np.int32)
        graph.operators.append(operator)
    return _pack(model)


def _code(model: Any, builtin: int) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _constant(model: Any, graph: Any, values: np.ndarray[Any, Any], kind: int) -> int:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    return _tensor(graph, len(model.buffers) - 1, values.shape, kind)


def _tensor(graph: Any, buffer: int, shape: tuple[int, ...], kind: int) -> int:
    tensor = schema.TensorT()
    tensor.buffer, tensor.shape, tensor.type, tensor.name = buffer, np.array(shape, np.int32), kind, b"x"
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _pack(model: Any) -> bytes:
    builder = flatbuffers.Builder(1_000_000)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
