"""Several TFLite graphs as one: what the first gives is what the next takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_build.errors import ConversionError
from model_build.flatbuffer import read_model, schema, write_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A tensor of a merged graph that the outside sees."""

    piece: int
    name: str


def chain(
    pieces: Sequence[bytes],
    joints: Sequence[tuple[str, str]],
    inputs: Mapping[str, Port],
    outputs: Mapping[str, Port],
) -> Any:
    """One model in which the two names of ``joints[i]``, out of piece i and into i + 1, are one tensor."""
    merged = read_model(pieces[0])
    graph = merged.subgraphs[0]
    seen = [_signature(merged)]
    for piece, (source, target) in zip(pieces[1:], joints, strict=True):
        model = read_model(piece)
        names = _signature(model)
        offset = len(graph.tensors)
        joint = {names["in", target]: seen[-1]["out", source]}
        moved = {index: joint.get(index, offset + index) for index in range(len(model.subgraphs[0].tensors))}
        _append(merged, model, moved)
        seen.append({key: moved[index] for key, index in names.items()})
    ins = {name: seen[port.piece]["in", port.name] for name, port in inputs.items()}
    outs = {name: seen[port.piece]["out", port.name] for name, port in outputs.items()}
    graph.inputs, graph.outputs = list(ins.values()), list(outs.values())
    merged.signatureDefs = [signature(ins, outs)]
    # Offsets into buffers that no longer exist.
    merged.metadata = None
    for name, index in [*ins.items(), *outs.items()]:
        graph.tensors[index].name = name.encode()
    return read_model(write_model(merged))


def signature(inputs: Mapping[str, int], outputs: Mapping[str, int]) -> Any:
    """The signature that names these tensors."""
    made = schema().SignatureDefT()
    made.signatureKey, made.subgraphIndex = b"serving_default", 0
    made.inputs = [_entry(name, index) for name, index in inputs.items()]
    made.outputs = [_entry(name, index) for name, index in outputs.items()]
    return made


def _entry(name: str, index: int) -> Any:
    entry = schema().TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), index
    return entry


def _signature(model: Any) -> dict[tuple[str, str], int]:
    if not model.signatureDefs or len(model.subgraphs) != 1:
        raise ConversionError("a graph to be joined needs one subgraph and one signature")
    found = model.signatureDefs[0]
    return {("in", e.name.decode()): e.tensorIndex for e in found.inputs} | {
        ("out", e.name.decode()): e.tensorIndex for e in found.outputs
    }


def _append(merged: Any, model: Any, moved: Mapping[int, int]) -> None:
    """Add everything of ``model``, its tensors renumbered by ``moved`` (an absent tensor is -1)."""
    graph, added = merged.subgraphs[0], model.subgraphs[0]
    buffers, codes = len(merged.buffers), len(merged.operatorCodes)
    merged.buffers.extend(model.buffers)
    merged.operatorCodes.extend(model.operatorCodes)
    for tensor in added.tensors:
        tensor.buffer += buffers
        graph.tensors.append(tensor)
    for op in added.operators:
        op.opcodeIndex += codes
        for field in ("inputs", "outputs", "intermediates"):
            indices = getattr(op, field)
            if indices is not None:
                setattr(op, field, [moved.get(int(index), -1) for index in indices])
        graph.operators.append(op)
