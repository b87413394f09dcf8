"""Detections as files for other programs, written while they are read."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any, Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.detections import DetectionView
from aggregator.web.access import needs, person
from aggregator.web.filters import WantedDetections, read_filter
from aggregator.web.formats import iso

COLUMNS: Final = tuple(field.name for field in fields(DetectionView))
_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("exports", __name__)

    @routes.get("/detections.csv")
    @needs(Permission.EXPORT)
    def as_csv() -> ResponseReturnValue:
        wanted = _wanted(services, "detections.csv")
        return _file(_csv(services.detections.export(wanted.filter)), "text/csv", "detections.csv")

    @routes.get("/detections.json")
    @needs(Permission.EXPORT)
    def as_json() -> ResponseReturnValue:
        wanted = _wanted(services, "detections.json")
        return _file(_json(services.detections.export(wanted.filter)), "application/json", "detections.json")

    return routes


def _wanted(services: Services, what: str) -> WantedDetections:
    """What is asked for; it is recorded who takes it away."""
    wanted = read_filter(request.args)
    services.audit.record(person().name, "export", {"what": what, "wanted": wanted.query})
    return wanted


def _file(body: Iterator[str], kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, mimetype=kind, headers=headers)


def _csv(heard: Iterator[DetectionView]) -> Iterator[str]:
    yield _row(["start", *COLUMNS])
    for one in heard:
        yield _row([iso(one.start_s), *(_cell(value) for value in asdict(one).values())])


def _row(cells: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> Any:
    # Spreadsheets run what looks like a formula, and a label is whatever a node says it is.
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_SIGNS) else value


def _json(heard: Iterator[DetectionView]) -> Iterator[str]:
    yield "["
    for index, one in enumerate(heard):
        yield f"{',' if index else ''}\n{json.dumps(asdict(one), ensure_ascii=False)}"
    yield "\n]\n"
