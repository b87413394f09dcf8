"""Trainings: the button, the one that runs, and those that were."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.retrain import TrainingView
from aggregator.web.access import needs, person
from aggregator.web.training_chart import curve_chart

_SHOWN = 20


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("training", __name__)
    trainings = services.retrain

    @routes.get("/training")
    @needs(Permission.SEE)
    def page() -> ResponseReturnValue:
        history = trainings.newest(_SHOWN)
        return render_template(
            "training.html",
            missing=trainings.missing(),
            history=[one for one in history if one.ended],
            **_now(services, history),
        )

    @routes.get("/training/now")
    @needs(Permission.SEE)
    def now() -> ResponseReturnValue:
        return render_template("training_now.html", **_now(services, trainings.newest(_SHOWN)))

    @routes.post("/training")
    @needs(Permission.RETRAIN)
    def ask() -> ResponseReturnValue:
        trainings.ask(person().name)
        return redirect(url_for("training.page"))

    @routes.post("/training/<int:training_id>/cancel")
    @needs(Permission.RETRAIN)
    def cancel(training_id: int) -> ResponseReturnValue:
        cancelled = trainings.cancel(training_id, person().name)
        flash(f"Training {training_id} {'is cancelled' if cancelled.ended else 'has been asked to end'}.")
        return redirect(url_for("training.page"))

    return routes


def _now(services: Services, history: list[TrainingView]) -> dict[str, object]:
    """What is to be seen of now: what runs and waits, else what ended last, while somebody looks on."""
    unfinished = [one for one in reversed(history) if not one.ended]
    seen = request.args.get("seen", type=int)
    ended = next((one for one in history if one.ended and one.id == seen), None)
    snapshot_id = unfinished[0].snapshot_id if unfinished else None
    return {
        "unfinished": unfinished,
        "ended": None if unfinished else ended,
        "chart": curve_chart(unfinished[0].progress) if unfinished else None,
        "snapshot": services.snapshots.find(snapshot_id) if snapshot_id else None,
    }
