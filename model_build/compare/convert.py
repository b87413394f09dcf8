"""The child process that converts a contender's network.

Called by ``deploy`` as ``python -m model_build.compare.convert REQUEST RESULT``.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def convert(head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> bytes:
    """Judge the last of normalised frames (1, T, MEL_BINS), float in and out."""
    import tensorflow as tf

    from model_build.compare.networks import NETWORKS, judge_frames
    from model_build.recipe import network_recipe

    frames = arrays["frames"]
    network = NETWORKS[head["network"]](network_recipe(head["recipe"]), head["labels"], 0)
    for name in network.weights:
        network.weights[name] = tf.constant(arrays[f"weights/{name}"])
    for name in network.moments:
        network.moments[name] = tf.constant(arrays[f"moments/{name}"])
    function = tf.function(
        lambda x: tf.nn.softmax(judge_frames(network, x)),
        input_signature=[tf.TensorSpec([1, *frames.shape[1:]], tf.float32, "frames")],
        autograph=False,
    )
    holder = tf.Module()
    holder.function = function
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], holder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if head["integer"]:
        converter.representative_dataset = lambda: _rows(frames)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return bytes(converter.convert())


def _rows(frames: NDArray[np.float32]) -> Iterator[list[NDArray[np.float32]]]:
    for row in frames:
        yield [row[None]]


def main(request: Path, result: Path) -> None:
    """Convert what the file ``request`` asks for and write it to ``result``."""
    with np.load(request, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    head = json.loads(arrays.pop("request").tobytes())["recipe"]
    result.write_bytes(convert(head, arrays))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
