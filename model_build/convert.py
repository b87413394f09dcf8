"""The child process that converts: TensorFlow's converter can crash, and must not take the factory along.

Called by ``export`` as ``python -m model_build.convert REQUEST RESULT``.
"""

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.audio import FEATURE_SCALE_DB, FEATURE_ZERO_POINT, MEL_BINS
from contract.manifest import ANOMALY, DENOISE, INT8
from model_build.errors import ConversionError
from model_build.flatbuffer import (
    quantization,
    read_model,
    schema,
    signature_tensor,
    store_weights_as_int8,
    write_model,
)
from model_build.frontend import HOPS_PER_RUN
from model_build.recipe import FrontendRecipe, NetworkRecipe, network_recipe

FEATURES = (FEATURE_SCALE_DB, FEATURE_ZERO_POINT)


def pack_request(
    kind: str, recipe: dict[str, Any], arrays: dict[str, NDArray[Any]], **options: int | str
) -> bytes:
    """What a child is asked, as the bytes of an npz file."""
    target = io.BytesIO()
    asked = {"kind": kind, "recipe": recipe, "options": options}
    head = np.frombuffer(json.dumps(asked).encode(), dtype=np.uint8)
    np.savez(target, allow_pickle=False, request=head, **arrays)
    return target.getvalue()


def convert_frontend(recipe: FrontendRecipe, hops_per_run: int = HOPS_PER_RUN) -> bytes:
    """preprocess.tflite."""
    from model_build.frontend import build_frontend, folded_mel
    from model_build.mel import quantize_rows

    model = read_model(_convert(build_frontend(recipe, hops_per_run)))
    store_weights_as_int8(model, *quantize_rows(folded_mel()))
    _describe_features(signature_tensor(model, "features", output=True))
    for entry in [*model.signatureDefs[0].inputs, *model.signatureDefs[0].outputs]:
        model.subgraphs[0].tensors[entry.tensorIndex].name = entry.name
    model.metadata = None
    return write_model(model)


def convert_classifier(
    recipe: NetworkRecipe,
    weights: dict[str, NDArray[Any]],
    calibration: NDArray[np.float32],
    variant: str = INT8,
) -> bytes:
    """classifier.tflite; ``calibration`` is (N, history + T, MEL_BINS) normalised frames.

    In the variant ``dynamic-range`` only the LSTM computes in float, with the same int8 weights. The stem in
    float would gain nothing, and would have to quantise a call as a whole: calls of another length would
    give other bits.
    """
    from model_build import graphs
    from model_build.merge import Port, chain
    from model_build.shape import STEP_FRAMES

    if variant == INT8:
        core = [_drop_cell_clip(_convert(graphs.core_graph(weights, recipe), calibration))]
        joints, gives = ["frames", "hidden"], graphs.Affine(**_affine(core[0], "hidden", output=True))
    else:
        stem = _convert(graphs.stem_graph(weights, recipe), calibration)
        lstm = graphs.lstm_graph(weights, graphs.Affine(**_affine(stem, "rows", output=True)))
        core = [stem, _drop_cell_clip(_convert(lstm, dynamic_range=True))]
        joints, gives = ["frames", "rows", "hidden"], graphs.HIDDEN
    level = graphs.level_graph(recipe, graphs.Affine(**_affine(core[0], "frames")))
    pieces = [_convert(level), *core, _convert(graphs.readout_graph(weights, recipe, gives))]
    last = len(pieces) - 1
    model = chain(
        pieces,
        [(name, name) for name in joints],
        inputs={
            "features": Port(piece=0, name="features"),
            "state_level": Port(piece=0, name="state_level"),
            "state_stem": Port(piece=0, name="state_stem"),
            "state_pool": Port(piece=last, name="state_pool"),
        },
        outputs={
            "posteriors": Port(piece=last, name="posteriors"),
            "state_level_out": Port(piece=0, name="state_level_out"),
            "state_stem_out": Port(piece=0, name="state_stem_out"),
            "state_pool_out": Port(piece=last, name="state_pool_out"),
        },
    )
    features = signature_tensor(model, "features")
    _describe_features(features)
    features.shape, features.shapeSignature = [1, STEP_FRAMES, MEL_BINS], [1, -1, MEL_BINS]
    return write_model(model)


def _convert(
    function: Any, calibration: NDArray[np.float32] | None = None, *, dynamic_range: bool = False
) -> bytes:
    """The function as it is; integer throughout if there is a calibration; or with integer weights only."""
    import tensorflow as tf

    holder = tf.Module()
    holder.function = function
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], holder)
    if calibration is not None or dynamic_range:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if calibration is not None:
        converter.representative_dataset = lambda: _rows(calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def _rows(calibration: NDArray[np.float32]) -> Iterator[list[NDArray[np.float32]]]:
    for row in calibration:
        yield [row[None]]


def _drop_cell_clip(content: bytes) -> bytes:
    """The converter clips the cell at 10, training does not."""
    model = read_model(content)
    for op in model.subgraphs[0].operators:
        if isinstance(op.builtinOptions, schema().UnidirectionalSequenceLSTMOptionsT):
            op.builtinOptions.cellClip = 0.0
    return write_model(model)


def _affine(content: bytes, name: str, *, output: bool = False) -> dict[str, Any]:
    parameters = signature_tensor(read_model(content), name, output=output).quantization
    if parameters is None or parameters.scale is None or len(parameters.scale) != 1:
        raise ConversionError(f"the core's tensor {name!r} is not quantised as a whole")
    return {"scale": float(parameters.scale[0]), "zero_point": int(parameters.zeroPoint[0])}


def _describe_features(tensor: Any) -> None:
    tensor.quantization = quantization(np.array([FEATURES[0]], np.float32), FEATURES[1])


def main(request: Path, result: Path) -> None:
    """Convert what the file ``request`` asks for and write it to ``result``."""
    with np.load(request, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    head = json.loads(arrays.pop("request").tobytes())
    options = head.get("options", {})
    if head["kind"] == "frontend":
        content = convert_frontend(FrontendRecipe(**head["recipe"]), **options)
    elif head["kind"] == ANOMALY:
        from model_build.anomaly.convert import convert_anomaly

        content = convert_anomaly(head["recipe"]["window"], arrays)
    elif head["kind"] == DENOISE:
        from model_build.denoise.convert import convert_denoiser

        content = convert_denoiser(arrays)
    else:
        recipe, calibration = network_recipe(head["recipe"]), arrays.pop("calibration")
        content = convert_classifier(recipe, arrays, calibration, **options)
    result.write_bytes(content)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
