"""Users: who there is, and what an administrator may change of them."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from aggregator.domain.roles import PERMISSIONS, Permission, Role
from aggregator.services.catalogue import Services
from aggregator.web.access import needs, person


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("users", __name__, url_prefix="/users")
    users, tokens = services.users, services.tokens

    @routes.get("")
    @needs(Permission.USERS)
    def index() -> ResponseReturnValue:
        return render_template(
            "users.html", users=users.every(), roles=Role, given=PERMISSIONS, permissions=Permission
        )

    @routes.post("")
    @needs(Permission.USERS)
    def add() -> ResponseReturnValue:
        form = request.form
        made = users.add(form.get("name", ""), form.get("password", ""), form.getlist("role"), person().name)
        return _back(f"{made.name} can sign in now.")

    @routes.get("/<name>")
    @needs(Permission.USERS)
    def page(name: str) -> ResponseReturnValue:
        return render_template("user.html", user=users.get(name), roles=Role, tokens=tokens.every(name))

    @routes.post("/<name>/roles")
    @needs(Permission.USERS)
    def set_roles(name: str) -> ResponseReturnValue:
        changed = users.set_roles(name, request.form.getlist("role"), person().name)
        return _back(f"{changed.name} is {', '.join(changed.roles)} from now on.", name)

    @routes.post("/<name>/password")
    @needs(Permission.USERS)
    def set_password(name: str) -> ResponseReturnValue:
        users.set_password(name, request.form.get("new", ""), person().name)
        return _back(f"{name} has a new password, and has to sign in again.", name)

    @routes.post("/<name>/totp/end")
    @needs(Permission.USERS)
    def end_totp(name: str) -> ResponseReturnValue:
        users.end_totp(name, person().name)
        return _back(f"{name} signs in without codes now.", name)

    @routes.post("/<name>/sign-out")
    @needs(Permission.USERS)
    def sign_out(name: str) -> ResponseReturnValue:
        users.end_sessions(name, person().name)
        return _back(f"{name} is signed out everywhere.", name)

    @routes.post("/<name>/remove")
    @needs(Permission.USERS)
    def remove(name: str) -> ResponseReturnValue:
        users.remove(name, person().name)
        return _back(f"{name} is gone.")

    @routes.post("/<name>/tokens/<int:token_id>/remove")
    @needs(Permission.USERS)
    def remove_token(name: str, token_id: int) -> ResponseReturnValue:
        gone = tokens.remove(token_id, person().name, of_user=name)
        return _back(f"The token “{gone.name}” opens nothing any more.", name)

    return routes


def _back(told: str, name: str = "") -> Response:
    flash(told)
    return redirect(url_for("users.page", name=name) if name else url_for("users.index"), 303)
