"""The door: sign in, sign out, and choosing the first password."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import ADMIN
from aggregator.errors import PasswordError, TooManyAttemptsError
from aggregator.services.accounts import AccountService
from aggregator.services.catalogue import Services
from aggregator.web import credentials, security
from aggregator.web.access import of_oneself, open_to_all
from aggregator.web.formats import sentence


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("sign_in", __name__)
    accounts = services.accounts

    @routes.get("/sign-in")
    @open_to_all
    def form() -> ResponseReturnValue:
        if not accounts.is_set():
            return redirect(url_for("sign_in.setup"))
        return _form(accounts, security.safe_target(request.args.get("next")))

    @routes.post("/sign-in")
    @open_to_all
    def enter() -> ResponseReturnValue:
        target, sent = security.safe_target(request.form.get("next")), request.form
        # A form of before there were users sends no name.
        name = sent.get("name", ADMIN)
        try:
            cookie = accounts.sign_in(
                name, sent.get("password", ""), sent.get("code", ""), credentials.client()
            )
        except TooManyAttemptsError as error:
            headers = {"Retry-After": f"{error.retry_after_s:.0f}"}
            return _form(accounts, target, name, sentence(error)), 429, headers
        if cookie is None:
            return _form(accounts, target, name, _refusal(accounts)), 403
        credentials.sign_in(cookie)
        return redirect(target)

    @routes.get("/setup")
    @open_to_all
    def setup() -> ResponseReturnValue:
        if accounts.is_set():
            return redirect(url_for("sign_in.form"))
        return render_template("setup.html", code=request.args.get("code", ""))

    @routes.post("/setup")
    @open_to_all
    def choose() -> ResponseReturnValue:
        password, code = request.form.get("password", ""), request.form.get("code", "")
        try:
            accounts.set_first(password, code)
        except PasswordError as error:
            return render_template("setup.html", code=code, refusal=sentence(error)), 400
        credentials.sign_in(accounts.begin(ADMIN))
        return redirect(url_for("fleet.overview"))

    @routes.post("/sign-out")
    @of_oneself
    def leave() -> ResponseReturnValue:
        accounts.sign_out(credentials.current_session())
        credentials.sign_out()
        return redirect(url_for("sign_in.form"))

    return routes


def _form(accounts: AccountService, target: str, name: str = "", refusal: str = "") -> str:
    return render_template(
        "sign_in.html", target=target, refusal=refusal, codes=accounts.asks_for_codes(),
        name=name or (ADMIN if accounts.only_admin() else ""),
    )  # fmt: skip


def _refusal(accounts: AccountService) -> str:
    if accounts.asks_for_codes():
        return "Name, password and code do not belong together. A code works once."
    return "That is not the password of this name."
