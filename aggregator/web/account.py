"""One's own account: password, second factor, tokens for programs, and where one is signed in."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.wrappers import Response

from aggregator.errors import PasswordError
from aggregator.services.catalogue import Services
from aggregator.services.tokens import DAYS, MOST_DAYS
from aggregator.web import credentials
from aggregator.web.access import of_oneself, person


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("account", __name__, url_prefix="/account")
    users, tokens = services.users, services.tokens

    @routes.get("")
    @of_oneself
    def page() -> ResponseReturnValue:
        return _page(services)

    @routes.post("/password")
    @of_oneself
    def password() -> ResponseReturnValue:
        _prove(services)
        users.set_password(
            person().name, request.form.get("new", ""), person().name, session=credentials.current_session()
        )
        return _back("Your password is changed; other browsers have to sign in again.")

    @routes.post("/sign-out-everywhere")
    @of_oneself
    def everywhere() -> ResponseReturnValue:
        users.end_sessions(person().name, person().name)
        credentials.sign_out()
        return redirect(url_for("sign_in.form"), 303)

    @routes.post("/totp")
    @of_oneself
    def begin_totp() -> ResponseReturnValue:
        _prove(services)
        users.begin_totp(person().name)
        return redirect(url_for("account.page", _anchor="codes"), 303)

    @routes.post("/totp/confirm")
    @of_oneself
    def confirm_totp() -> ResponseReturnValue:
        users.confirm_totp(person().name, request.form.get("code", ""), person().name)
        return _back("From now on you sign in with a code of your app besides.")

    @routes.post("/totp/end")
    @of_oneself
    def end_totp() -> ResponseReturnValue:
        _prove(services)
        users.end_totp(person().name, person().name)
        return _back("You sign in without codes again.")

    @routes.post("/tokens")
    @of_oneself
    def add_token() -> ResponseReturnValue:
        form, me = request.form, person().name
        made = tokens.make(
            me, form.get("name", ""), form.getlist("scope"), me, days=form.get("days", 0, type=int)
        )
        return _page(services, *made)

    @routes.post("/tokens/<int:token_id>/remove")
    @of_oneself
    def remove_token(token_id: int) -> ResponseReturnValue:
        gone = tokens.remove(token_id, person().name, of_user=person().name)
        return _back(f"The token “{gone.name}” opens nothing any more.")

    return routes


def _page(services: Services, made: object = None, secret: str = "") -> str:
    me = services.users.get(person().name)
    begun = services.users.begun_totp(me.name)
    return render_template(
        "account.html", me=me, tokens=services.tokens.every(me.name), scopes=sorted(me.permissions),
        days=DAYS, most_days=MOST_DAYS, made=made, secret=secret, begun=begun,
        # The picture is of our own making, and the name in it is drawn, not written.
        picture=Markup(begun.picture) if begun else "",  # noqa: S704
    )  # fmt: skip


def _prove(services: Services) -> None:
    """``PasswordError`` unless the form carries one's password: an unattended browser is not enough."""
    sent = request.form.get("password", "")
    if not services.accounts.verify(person().name, sent, credentials.client()):
        raise PasswordError("that is not your password")


def _back(told: str) -> Response:
    flash(told)
    return redirect(url_for("account.page"), 303)
