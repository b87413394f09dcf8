"""Deleting a window, or what a node has sent: what goes is shown before, and who did it is recorded."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.web.access import needs, person
from aggregator.web.filters import read_time


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("deletion", __name__)
    deletion = services.deletion

    @routes.get("/deletions")
    @needs(Permission.SEE)
    def index() -> ResponseReturnValue:
        return render_template("deletions.html", deletions=deletion.newest())

    @routes.get("/windows/<int:window_id>/delete")
    @needs(Permission.DELETE)
    def ask_window(window_id: int) -> ResponseReturnValue:
        plan = deletion.plan_window(window_id)
        return render_template("delete_window.html", plan=plan)

    @routes.post("/windows/<int:window_id>/delete")
    @needs(Permission.DELETE)
    def window(window_id: int) -> ResponseReturnValue:
        done = deletion.delete_window(window_id, person().name)
        flash(f"Window {window_id} of {done.node} is deleted.")
        return redirect(url_for("deletion.index"), 303)

    @routes.get("/nodes/<name>/delete")
    @needs(Permission.DELETE)
    def ask_node(name: str) -> ResponseReturnValue:
        text = request.args.get("until", "").strip()
        plan = deletion.plan_node(name, read_until(text))
        return render_template("delete_node.html", plan=plan, until=text)

    @routes.post("/nodes/<name>/delete")
    @needs(Permission.DELETE)
    def node(name: str) -> ResponseReturnValue:
        deletion.delete_node_data(name, person().name, read_until(request.form.get("until", "")))
        flash(f"What {name} has sent is deleted.")
        return redirect(url_for("deletion.index"), 303)

    return routes


def read_until(text: str) -> float | None:
    """A time in UTC, or None for none; ``BadRequest`` says what cannot be read."""
    return read_time(text.strip(), "until") if text.strip() else None
