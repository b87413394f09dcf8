"""The data set: what it holds, what it is too thin for, and files of labels in and out."""

from typing import Final

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.label_files import FORMATS, LARGEST_FILE_BYTES
from aggregator.web.access import needs, person
from aggregator.web.filters import read_time

LARGEST_UPLOAD_BYTES: Final = LARGEST_FILE_BYTES + 100_000
"""The file and the form around it."""


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("dataset", __name__, url_prefix="/dataset")

    @routes.get("")
    @needs(Permission.SEE)
    def page() -> ResponseReturnValue:
        view = services.dataset.overview(request.args.get("frontend") or None)
        return render_template("dataset.html", view=view, me=person().name, unseen=services.review.progress())

    @routes.get("/files")
    @needs(Permission.SEE)
    def files() -> ResponseReturnValue:
        return _files(services)

    @routes.get("/labels")
    @needs(Permission.EXPORT)
    def export() -> ResponseReturnValue:
        made = services.label_files.dump(
            request.args.get("format", ""),
            node=request.args.get("node", ""),
            origin_s=_origin_s(request.args.get("start", "")),
            reviewer=request.args.get("reviewer", ""),
        )
        told = {"what": made.name, "node": request.args.get("node", "")}
        services.audit.record(person().name, "export", told)
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
        return Response(made.text, mimetype=made.media_type, headers=headers)

    @routes.post("/labels")
    @needs(Permission.LABEL)
    def load() -> ResponseReturnValue:
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise BadRequest("Choose a file of labels first.")
        told = services.label_files.load(
            sent.filename,
            sent.read(),
            request.form.get("format", ""),
            person().name,
            node=request.form.get("node", ""),
            origin_s=_origin_s(request.form.get("start", "")) or 0.0,
            add_labels="add_labels" in request.form,
        )
        return _files(services, told)

    @routes.post("/labels/undo")
    @needs(Permission.LABEL)
    def undo() -> ResponseReturnValue:
        count = services.review.undo_batch(person().name, request.form.get("batch", ""))
        flash(f"The answers of the import are taken back: {count} windows.")
        return redirect(url_for("dataset.files"), 303)

    return routes


def _files(services: Services, told: object = None) -> ResponseReturnValue:
    return render_template(
        "label_files.html",
        formats=FORMATS.values(),
        nodes=services.fleet.nodes(),
        me=person().name,
        told=told,
        largest_bytes=LARGEST_FILE_BYTES,
    )


def _origin_s(text: str) -> float | None:
    return read_time(text.strip(), "start") if text.strip() else None
