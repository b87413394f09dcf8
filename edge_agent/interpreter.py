"""The only file that knows TFLite: named tensors in, named tensors out, one error."""

import importlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import ModelError

# The successor first; only 32-bit ARM still needs the other.
_RUNTIMES: Final = (
    ("ai_edge_litert.interpreter", "ai-edge-litert"),
    ("tflite_runtime.interpreter", "tflite-runtime"),
)

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """What a model's input or output looks like."""

    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    """Value per step; 0 where the tensor is not quantised."""
    zero_point: int


def runtime_name() -> str:
    """Name and version of the runtime in use, such as ``ai-edge-litert 2.3.0``."""
    _, distribution = _find_runtime()
    return f"{distribution} {importlib.metadata.version(distribution)}"


class Model:
    """One TFLite model, run on one thread.

    Tensors go by the names of its default signature. What the model keeps between two runs is forgotten by
    ``reset``. Every failure is a ``ModelError``.
    """

    def __init__(self, content: bytes, name: str) -> None:
        module, _ = _find_runtime()
        self._name = name
        try:
            self._interpreter = module.Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
            keys = list(self._interpreter.get_signature_list())
            if not keys:
                raise ModelError(f"{name}: has no signature, so its tensors have no names")
            # Not kept: while it is held the interpreter neither runs nor takes another shape.
            signature = self._interpreter.get_signature_runner(keys[0])
            inputs, outputs = signature.get_input_details(), signature.get_output_details()
        except ModelError:
            raise
        # The runtimes raise whatever their C++ side thinks fit.
        except Exception as error:
            raise ModelError(f"{name}: the runtime refuses it: {_first_line(error)}") from error
        self.inputs: Mapping[str, Tensor] = {name: _tensor(detail) for name, detail in inputs.items()}
        self.outputs: Mapping[str, Tensor] = {name: _tensor(detail) for name, detail in outputs.items()}

    def resize(self, name: str, shape: tuple[int, ...]) -> None:
        """Give an input another shape; what the model kept is forgotten."""
        try:
            self._interpreter.resize_tensor_input(self.inputs[name].index, shape, strict=False)
            self._interpreter.allocate_tensors()
        except Exception as error:
            raise ModelError(
                f"{self._name}: cannot give {name} the shape {shape}: {_first_line(error)}"
            ) from error
        self._describe_resized()

    def _describe_resized(self) -> None:
        shapes = {detail["index"]: detail["shape"] for detail in self._interpreter.get_tensor_details()}
        for tensors in (self.inputs, self.outputs):
            for name, old in list(tensors.items()):
                shape = tuple(int(size) for size in shapes[old.index])
                tensors[name] = Tensor(  # type: ignore[index]
                    index=old.index, shape=shape, dtype=old.dtype, scale=old.scale, zero_point=old.zero_point
                )

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._interpreter.reset_all_variables()

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Outputs by name, each a copy, for inputs by name."""
        interpreter = self._interpreter
        try:
            for name, value in feeds.items():
                interpreter.set_tensor(self.inputs[name].index, value)
            interpreter.invoke()
            return {name: interpreter.get_tensor(tensor.index) for name, tensor in self.outputs.items()}
        except Exception as error:
            raise ModelError(f"{self._name}: {_first_line(error)}") from error


def _find_runtime() -> tuple[Any, str]:
    for module, distribution in _RUNTIMES:
        try:
            return importlib.import_module(module), distribution
        except ImportError:
            continue
    raise ModelError("no TFLite runtime is installed; install soundpost[edge]")


def _tensor(detail: Mapping[str, Any]) -> Tensor:
    scale, zero_point = detail["quantization"]
    return Tensor(
        index=int(detail["index"]),
        shape=tuple(int(size) for size in detail["shape"]),
        dtype=np.dtype(detail["dtype"]),
        scale=float(scale),
        zero_point=int(zero_point),
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
