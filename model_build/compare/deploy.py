"""Networks as files that a node could run, and what running them costs."""

import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.manifest import INT8, QUANTIZATIONS
from model_build.compare.bench import Clips, seconds_of
from model_build.compare.contender import Form
from model_build.compare.cost import processor_ms
from model_build.compare.neural import window_frames
from model_build.convert import pack_request
from model_build.errors import ConversionError
from model_build.export import export_classifier
from model_build.network import Network
from model_build.recipe import Recipe
from model_build.runtime import Classifier
from model_build.shape import STEP_FRAMES

CONVERSION_LIMIT_S: Final = 600
INT8_WEIGHTS: Final = "int8 weights"
_TIMED = 20

Frames = NDArray[np.float32]


def deployed(
    kind: str, network: Network, recipe: Recipe, shown: NDArray[np.int8], clips: Clips
) -> tuple[Form, ...]:
    """Each way to deploy ``network``; ``shown`` (N, T, MEL_BINS) tells the converter what comes in.

    A way that cannot be converted is left out.
    """
    forms = []
    if kind == "lstm":
        for variant in QUANTIZATIONS:
            forms += _attempt(_bundled, variant, network, recipe, shown, clips)
    whole = kind == "ds-cnn"
    forms += _attempt(_window if whole else _recurrent, kind, network, recipe, shown, clips)
    return tuple(forms)


def _attempt(way: Any, *arguments: Any) -> list[Form]:
    try:
        return [way(*arguments)]
    except ConversionError:
        return []


def _bundled(variant: str, network: Network, recipe: Recipe, shown: NDArray[np.int8], clips: Clips) -> Form:
    """classifier.tflite as the bundle has it, streamed step by step."""
    frames = network.normalize(shown.astype(np.float32)).numpy()
    calibration = np.pad(frames, [(0, 0), (recipe.network.history_frames, 0), (0, 0)])
    content = export_classifier(recipe.network, network.arrays(), calibration.astype(np.float32), variant)
    classifier = Classifier(content)
    items = list(clips.features[:_TIMED])
    decision_ms = processor_ms(lambda item: classifier.clip(item, STEP_FRAMES), items)
    return Form(
        name=f"{variant}, streaming",
        size_bytes=len(content),
        stream_ms=decision_ms / seconds_of(items[0].shape[0]),
        decision_ms=decision_ms,
    )


def _recurrent(kind: str, network: Network, recipe: Recipe, _shown: NDArray[np.int8], clips: Clips) -> Form:
    """All steps of a clip in one call: being causal, a stream costs the same per second.

    The size is that of a file for two steps; a longer one repeats operators, not weights, and of a single
    step's the converter would leave out what multiplies the zeros that a stream begins with.
    """
    frames = _normalized(network, clips.features[:_TIMED])
    small = convert(kind, network, recipe, frames[:, : 2 * STEP_FRAMES], integer=False)
    clip = _Runner(convert(kind, network, recipe, frames, integer=False))
    decision_ms = processor_ms(clip, [frame[None] for frame in frames])
    return Form(
        name=INT8_WEIGHTS,
        size_bytes=len(small),
        stream_ms=decision_ms / seconds_of(frames.shape[1]),
        decision_ms=decision_ms,
    )


def _window(kind: str, network: Network, recipe: Recipe, shown: NDArray[np.int8], clips: Clips) -> Form:
    """One window in one call, and again for every step of a stream."""
    length = window_frames(recipe)
    content = convert(kind, network, recipe, _normalized(network, shown[:, :length]), integer=True)
    frames = _normalized(network, clips.features[:_TIMED, :length])
    decision_ms = processor_ms(_Runner(content), [frame[None] for frame in frames])
    return Form(
        name=INT8,
        size_bytes=len(content),
        stream_ms=decision_ms / seconds_of(STEP_FRAMES),
        decision_ms=decision_ms,
    )


def _normalized(network: Network, features: NDArray[np.int8]) -> Frames:
    return np.asarray(network.normalize(features.astype(np.float32)).numpy(), dtype=np.float32)


class _Runner:
    """A converted network on normalised frames (1, T, MEL_BINS), in one thread."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def __call__(self, frames: Frames) -> NDArray[Any]:
        self._interpreter.set_tensor(self._input["index"], frames)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output))


def convert(kind: str, network: Network, recipe: Recipe, frames: Frames, *, integer: bool) -> bytes:
    """A TFLite file that judges ``frames``-long input; made by a child, for the converter can crash."""
    head = {"network": kind, "labels": len(recipe.labels), "integer": integer}
    arrays = {
        "frames": frames,
        **{f"weights/{name}": value.numpy() for name, value in network.weights.items()},
        **{f"moments/{name}": value.numpy() for name, value in network.moments.items()},
    }
    request = pack_request("compare", {**head, "recipe": dataclasses.asdict(recipe.network)}, arrays)
    with tempfile.TemporaryDirectory(prefix="soundpost-compare-") as folder:
        asked, answered = Path(folder, "request.npz"), Path(folder, "result.tflite")
        asked.write_bytes(request)
        command = [sys.executable, "-m", "model_build.compare.convert", str(asked), str(answered)]
        try:
            child = subprocess.run(command, capture_output=True, timeout=CONVERSION_LIMIT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise ConversionError(f"the conversion took longer than {CONVERSION_LIMIT_S} s") from error
        if child.returncode != 0 or not answered.is_file():
            said = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise ConversionError(f"{kind} could not be converted (exit code {child.returncode}): {said}")
        return answered.read_bytes()
