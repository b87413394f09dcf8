"""Rollouts: made, watched and steered; pins; and the log of who did what."""

from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.errors import AggregatorError
from aggregator.services.catalogue import Services
from aggregator.services.rollout_outlook import by_reason
from aggregator.services.rollout_views import STATES, RolloutDetail
from aggregator.web import rollout_form
from aggregator.web.access import needs, person
from aggregator.web.rollout_picture import wave_picture

SHOWN: Final = 100
ENTRIES: Final = 200
ORDERS: Final = ("pause", "resume", "halt", "cancel", "retry", "rollback")
KINDS: Final = ("gained", "lost")


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("rollouts", __name__)
    rollouts, pins = services.rollouts, services.pins

    @routes.get("/rollouts")
    @needs(Permission.SEE)
    def index() -> ResponseReturnValue:
        return render_template(
            "rollouts.html", rollouts=rollouts.every(), pins=pins.pins(), published=rollouts.published(),
            picture=wave_picture,
        )  # fmt: skip

    @routes.get("/rollouts/new")
    @needs(Permission.ROLLOUT)
    def new() -> ResponseReturnValue:
        texts = rollout_form.fresh(request.args.get("release", ""))
        return _form(services, texts)

    @routes.post("/rollouts/new")
    @needs(Permission.ROLLOUT)
    def make() -> ResponseReturnValue:
        texts = rollout_form.texts_of(request.form)
        try:
            wish = rollout_form.wish_of(texts)
            if "begin" not in request.form:
                waves = rollouts.preview(wish)
                held_back = by_reason(one.held_back for one in waves)
                return _form(services, texts, preview=waves, held_back=held_back)
            made = rollouts.create(wish, person().name)
        except AggregatorError as error:
            return _form(services, texts, refusal=str(error)), 400
        flash(f"Rollout {made.id} has begun." if made.state == "running" else f"Rollout {made.id} is made.")
        return redirect(url_for("rollouts.page", rollout_id=made.id), 303)

    @routes.get("/rollouts/<int:rollout_id>")
    @needs(Permission.SEE)
    def page(rollout_id: int) -> ResponseReturnValue:
        return render_template("rollout.html", **_shown(services, rollout_id))

    @routes.get("/rollouts/<int:rollout_id>/now")
    @needs(Permission.SEE)
    def now(rollout_id: int) -> ResponseReturnValue:
        return render_template("rollout_now.html", **_shown(services, rollout_id))

    @routes.get("/rollouts/<int:rollout_id>/ask/<order>")
    @needs(Permission.ROLLOUT)
    def ask(rollout_id: int, order: str) -> ResponseReturnValue:
        if order not in ORDERS:
            abort(404)
        view = rollouts.get(rollout_id)
        return render_template("rollout_ask.html", view=view, order=order, published=rollouts.published())

    @routes.post("/rollouts/<int:rollout_id>/<order>")
    @needs(Permission.ROLLOUT)
    def steer(rollout_id: int, order: str) -> ResponseReturnValue:
        if order not in ORDERS:
            abort(404)
        who, reason = person().name, request.form.get("reason", "")
        if order == "rollback":
            return _roll_back(services, rollout_id, who, reason)
        view = getattr(rollouts, order)(rollout_id, who, reason)
        flash(f"Rollout {rollout_id} is {view.state}.")
        return redirect(url_for("rollouts.page", rollout_id=rollout_id), 303)

    @routes.get("/rollouts/<int:rollout_id>/disagreements")
    @needs(Permission.SEE)
    def disagreements(rollout_id: int) -> ResponseReturnValue:
        view, kind = rollouts.get(rollout_id), request.args.get("kind", KINDS[0])
        if kind not in KINDS:
            abort(404)
        label = request.args.get("label", "")
        found = services.shadows.disagreements(view.release, label=label, kind=kind)
        return render_template("rollout_heard.html", view=view, found=found, kind=kind, label=label)

    @routes.post("/pins")
    @needs(Permission.ROLLOUT)
    def pin() -> ResponseReturnValue:
        node, form = request.form.get("node", ""), request.form
        pins.pin(node, person().name, release=form.get("release", ""), reason=form.get("reason", ""))
        flash(f"{node} is pinned.")
        return redirect(url_for("rollouts.index"), 303)

    @routes.post("/pins/<node>/remove")
    @needs(Permission.ROLLOUT)
    def unpin(node: str) -> ResponseReturnValue:
        pins.unpin(node, person().name)
        flash(f"{node} is free again.")
        return redirect(url_for("rollouts.index"), 303)

    @routes.get("/audit")
    @needs(Permission.AUDIT)
    def audit() -> ResponseReturnValue:
        before = request.args.get("before", type=int)
        return render_template(
            "audit.html", entries=services.audit.newest(ENTRIES, before), most=ENTRIES,
            examined=services.audit.verify() if before is None else None,
        )  # fmt: skip

    return routes


def _form(services: Services, texts: dict[str, str], **more: object) -> str:
    return render_template(
        "rollout_new.html", texts=texts, published=services.rollouts.published(),
        tags=services.sampling.tags(), **more,
    )  # fmt: skip


def _shown(services: Services, rollout_id: int) -> dict[str, object]:
    state, node = request.args.get("state", ""), request.args.get("node", "").strip()
    detail: RolloutDetail = services.rollouts.detail(
        rollout_id, state=state if state in STATES else "", wave=request.args.get("wave", type=int),
        node=node, limit=SHOWN,
    )  # fmt: skip
    listened = any(wave.mode == "shadow" for wave in detail.view.waves)
    return {
        "detail": detail,
        "view": detail.view,
        "states": STATES,
        "state": state,
        "node": node,
        "shadow": services.shadows.of_release(detail.view.release) if listened else None,
        "picture": wave_picture,
    }


def _roll_back(services: Services, rollout_id: int, who: str, reason: str) -> ResponseReturnValue:
    release = request.form.get("release", "")
    made = services.rollouts.roll_back(rollout_id, who, release=release, reason=reason)
    if not made:
        flash(f"Rollout {rollout_id} is halted. No node had confirmed its release.")
        return redirect(url_for("rollouts.page", rollout_id=rollout_id), 303)
    flash(f"Rollout {rollout_id} is halted, and its nodes go back.")
    return redirect(url_for("rollouts.page", rollout_id=made[0].id), 303)
