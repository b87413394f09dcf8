"""classifier.tflite of an anomaly model, in the child process that ``model_build.convert`` is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_build.convert import _affine, _convert, _describe_features, _drop_cell_clip
from model_build.flatbuffer import signature_tensor, write_model

_CORE = ("dense", "kernel", "recurrent", "bottleneck", "decoder", "rebuild")
_BIASES = ("dense_bias", "lstm_bias", "decoder_bias", "rebuild_bias")


def convert_anomaly(window: int, arrays: dict[str, NDArray[Any]]) -> bytes:
    """The file; ``arrays``: weights, ``mean`` and ``spread``, the scoring, and ``calibration`` frames."""
    from contract.audio import MEL_BINS
    from model_build.anomaly import graphs
    from model_build.graphs import Affine
    from model_build.merge import Port, chain
    from model_build.shape import STEP_FRAMES

    weights = {name: arrays[name] for name in (*_CORE, *_BIASES)}
    core = _drop_cell_clip(_convert(graphs.core_graph(weights), arrays["calibration"].astype(np.float32)))
    takes, gives = _affine(core, "frames"), _affine(core, "residual", output=True)
    model = chain(
        [
            _convert(graphs.standard_graph(arrays, Affine(**takes))),
            core,
            _convert(graphs.score_graph(arrays, window, Affine(**gives))),
        ],
        [("frames", "frames"), ("residual", "residual")],
        inputs={
            "features": Port(piece=0, name="features"),
            "state_error": Port(piece=2, name="state_error"),
        },
        outputs={
            "posteriors": Port(piece=2, name="posteriors"),
            "state_error_out": Port(piece=2, name="state_error_out"),
        },
    )
    features = signature_tensor(model, "features")
    _describe_features(features)
    features.shape, features.shapeSignature = [1, STEP_FRAMES, MEL_BINS], [1, -1, MEL_BINS]
    return write_model(model)
