"""Releases: what came out of trainings, why the gate passes or refuses it, and what people decide."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.release_views import ReleaseDetail
from aggregator.web.access import needs, person
from aggregator.web.release_figures import figure_rows, heat_table


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("releases", __name__)
    releases = services.releases

    @routes.get("/releases")
    @needs(Permission.SEE)
    def index() -> ResponseReturnValue:
        return render_template("releases.html", releases=releases.every())

    @routes.get("/releases/<int:release_id>")
    @needs(Permission.SEE)
    def page(release_id: int) -> ResponseReturnValue:
        detail = releases.detail(release_id)
        snapshot_id = detail.view.snapshot_id
        return render_template(
            "release.html",
            detail=detail,
            release=detail.view,
            snapshot=services.snapshots.find(snapshot_id) if snapshot_id else None,
            **_figures(detail),
        )

    @routes.get("/releases/compare")
    @needs(Permission.SEE)
    def compare() -> ResponseReturnValue:
        first, second = compared()
        found = releases.compare(first, second)
        return render_template(
            "compare.html",
            found=found,
            releases=releases.every(),
            rows=figure_rows(found.candidate_figures, found.incumbent_figures),
            tables=(heat_table(found.candidate_figures), heat_table(found.incumbent_figures)),
        )

    @routes.post("/releases/<int:release_id>/decide")
    @needs(Permission.ACCEPT)
    def decide(release_id: int) -> ResponseReturnValue:
        reason = request.form.get("reason", "")
        releases.decide(release_id, request.form.get("decision", ""), who=person().name, reason=reason)
        state = releases.detail(release_id).view.state
        flash(f"Release {release_id} is {state}.")
        return redirect(url_for("releases.page", release_id=release_id))

    return routes


def compared() -> tuple[int, int]:
    """The two releases that an address names; ``BadRequest`` if it does not."""
    first, second = request.args.get("a", type=int), request.args.get("b", type=int)
    if first is None or second is None:
        raise BadRequest("a and b must be the numbers of two releases.")
    return first, second


def _figures(detail: ReleaseDetail) -> dict[str, object]:
    if detail.candidate is None or detail.incumbent is None:
        return {"rows": [], "tables": (None, None)}
    return {
        "rows": figure_rows(detail.candidate, detail.incumbent),
        "tables": (heat_table(detail.candidate), heat_table(detail.incumbent)),
    }
