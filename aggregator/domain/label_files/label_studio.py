"""Label Studio's JSON: one task per window, one annotation per reviewer.

What is read: choices (for the whole task) and labels of regions (seconds within the task). Each task's
``data`` must hold ``node``, ``start_s`` and ``end_s``, as the tasks do that this program writes.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from aggregator.domain.label_files.spans import (
    BadLine,
    Line,
    LineError,
    Reading,
    Span,
    made_span,
    shown_label,
)
from aggregator.errors import LabelFileError


def read(text: str, *, node: str, origin_s: float) -> Reading:
    """The spans of an export, task by task; ``LabelFileError`` if it is none."""
    try:
        tasks = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LabelFileError(f"this is not JSON: {error}") from error
    if not isinstance(tasks, list):
        raise LabelFileError("this is no export of Label Studio: it must be a list of tasks")
    for number, task in enumerate(tasks, 1):
        try:
            spans = list(_of_task(task, node, origin_s))
        except LineError as error:
            yield BadLine(number=number, why=str(error))
        else:
            yield from (Line(number=number, span=span) for span in spans)


def write(spans: Iterable[Span], *, origin_s: float) -> str:
    """Tasks to import into Label Studio; spans of one window must follow each other."""
    tasks = [
        _task(list(group), origin_s)
        for _, group in groupby(spans, key=lambda span: (span.node, span.start_s, span.end_s))
    ]
    return json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"


def _task(spans: list[Span], origin_s: float) -> dict[str, Any]:
    first = spans[0]
    data: dict[str, Any] = {
        "node": first.node,
        "start_s": first.start_s - origin_s,
        "end_s": first.end_s - origin_s,
    }
    if first.window_id is not None:
        data |= {"window_id": first.window_id, "image": f"/windows/{first.window_id}.png"}
    return {"data": data, "annotations": [{"result": [_result(span)]} for span in spans]}


def _result(span: Span) -> dict[str, Any]:
    return {
        "from_name": "label",
        "to_name": "window",
        "type": "choices",
        "value": {"choices": [shown_label(span.label)]},
        "meta": {"text": [span.reviewer]},
    }


def _of_task(task: Any, node: str, origin_s: float) -> Iterator[Span]:
    data = _part(task, "data", dict)
    start, end = _time(data, "start_s"), _time(data, "end_s")
    named = data.get("node", node)
    for annotation in _part(task, "annotations", list):
        if isinstance(annotation, dict) and annotation.get("was_cancelled"):
            continue
        for result in _part(annotation, "result", list):
            value = _part(result, "value", dict)
            yield from _of_result(result.get("type"), value, str(named), start, end, origin_s)


def _of_result(
    kind: Any, value: dict[str, Any], node: str, start: float, end: float, origin_s: float
) -> Iterator[Span]:
    if kind == "choices":
        within = (start, end)
    elif kind == "labels":
        within = (start + _time(value, "start"), start + _time(value, "end"))
    else:
        return  # a rating, a comment: nothing that names a sound
    for label in _part(value, str(kind), list):
        if not isinstance(label, str):
            raise LineError(f"a label is not text: {str(label)[:40]!r}")
        yield made_span(node=node, start=within[0], end=within[1], label=label, origin_s=origin_s)


def _part(whole: Any, name: str, kind: type) -> Any:
    if not isinstance(whole, dict) or not isinstance(whole.get(name), kind):
        raise LineError(f"it lacks {name!r}")
    return whole[name]


def _time(whole: dict[str, Any], name: str) -> float:
    value = whole.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LineError(f"{name!r} is not a number of seconds")
    return float(value)
