"""Bundles that pass every check and self-test, and are bad at work: real TFLite models, and thresholds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from contract.bundle import read_bundle
from contract.manifest import CLASSIFIER, PREPROCESS, SELFTEST
from edge_agent.bundles import read_selftest
from edge_agent.classifier import Classifier
from edge_agent.interpreter import Model
from tests.edge_agent.test_bundles import changed
from tests.edge_agent.update import models

LOUD_FEATURE = 40
"""Mean of a frame, as int8, that only noise of nearly full scale reaches."""


def deaf(source: Path, target: Path) -> Path:
    """It detects next to nothing."""
    labels = read_bundle(source).manifest.thresholds
    return changed(source, target, {"version": "9.1.0", "thresholds": dict.fromkeys(labels, 0.9999)}, {})


def flooding(source: Path, target: Path) -> Path:
    """It detects at every second step or so."""
    labels = read_bundle(source).manifest.thresholds
    some = {label: 0.002 if label in ("yes", "no", "up") else value for label, value in labels.items()}
    fields = {"version": "9.2.0", "thresholds": some, "smoothing_s": 0.0, "refractory_s": 0.0}
    return changed(source, target, fields, {})


def constant(source: Path, target: Path) -> Path:
    """It answers the same to everything: what goes into its softmax is multiplied by nothing."""
    model = schema.ModelT.InitFromPackedBuf(read_bundle(source).files[CLASSIFIER])
    graph = model.subgraphs[0]
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    [at] = [
        index
        for index, operator in enumerate(graph.operators)
        if codes[operator.opcodeIndex] == schema.BuiltinOperator.SOFTMAX
    ]
    softmax, kind = graph.operators[at], schema.TensorType.FLOAT32
    logits = int(softmax.inputs[0])
    nothing = models._tensor(graph, 0, tuple(graph.tensors[logits].shape), kind)
    zero = models._constant(model, graph, np.zeros(1, np.float32), kind)
    multiply = _operator(model, "Mul", inputs=[logits, zero], outputs=[nothing])
    softmax.inputs = np.array([nothing], np.int32)
    graph.operators.insert(at, multiply)
    return _with_new_vectors(source, target, models._pack(model), "9.3.0")


def hanging_when_loud(source: Path, target: Path) -> Path:
    """It loops for ever as soon as the mean feature is above ``LOUD_FEATURE``, and is good before."""
    model = schema.ModelT.InitFromPackedBuf(read_bundle(source).files[CLASSIFIER])
    kind = schema.TensorType.FLOAT32
    condition, body = models._loop_part(model, b"condition"), models._loop_part(model, b"body")
    least = models._constant(model, condition, np.full(1, LOUD_FEATURE, np.float32), kind)
    greater = _operator(model, "Greater", inputs=[0, least])
    models._ends(condition, greater, schema.TensorType.BOOL)
    models._ends(body, _operator(model, "Abs", inputs=[0]), kind)
    graph = model.subgraphs[0]
    level = _mean_feature(model, graph)
    out = models._tensor(graph, 0, (1,), kind)
    loop = _operator(model, "While", inputs=[level], outputs=[out])
    loop.builtinOptions.condSubgraphIndex = len(model.subgraphs) - 2
    loop.builtinOptions.bodySubgraphIndex = len(model.subgraphs) - 1
    graph.operators.insert(2, loop)
    return changed(source, target, {"version": "9.4.0"}, {CLASSIFIER: models._pack(model)})


def _mean_feature(model: Any, graph: Any) -> int:
    """The tensor that holds it, computed before all else."""
    kind = schema.TensorType.FLOAT32
    features = next(n for n in graph.inputs if graph.tensors[n].type == schema.TensorType.INT8)
    real = models._tensor(graph, 0, tuple(graph.tensors[features].shape), kind)
    mean = models._tensor(graph, 0, (1,), kind)
    axes = models._constant(model, graph, np.array([1, 2], np.int32), schema.TensorType.INT32)
    cast = _operator(model, "Cast", inputs=[features], outputs=[real])
    cast.builtinOptions.inDataType, cast.builtinOptions.outDataType = schema.TensorType.INT8, kind
    reduce = _operator(model, "Mean", options="Reducer", inputs=[real, axes], outputs=[mean])
    graph.operators.insert(0, reduce)
    graph.operators.insert(0, cast)
    return mean


def _operator(
    model: Any, name: str, *, inputs: Sequence[int], outputs: Sequence[int] = (), options: str = ""
) -> Any:
    """A builtin operator, such as ``Mul``, with the options that its schema gives it."""
    options = f"{options or name}Options"
    operator = schema.OperatorT()
    operator.opcodeIndex = models._code(model, getattr(schema.BuiltinOperator, name.upper()))
    operator.builtinOptions = getattr(schema, f"{options}T")()
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
    operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
    return operator


def _with_new_vectors(source: Path, target: Path, classifier: bytes, version: str) -> Path:
    """The self-test promises what this classifier really gives, as its builder's would."""
    bundle = read_bundle(source)
    test = read_selftest(bundle.files[SELFTEST], len(bundle.manifest.labels))
    given = Classifier(Model(classifier, CLASSIFIER), bundle.manifest.step_frames).feed(test.features)
    plain = {**cbor2.loads(bundle.files[SELFTEST]), "posteriors": given.astype("<f4").tobytes()}
    files = {CLASSIFIER: classifier, SELFTEST: cbor2.dumps(plain), PREPROCESS: bundle.files[PREPROCESS]}
    return changed(source, target, {"version": version}, files)
