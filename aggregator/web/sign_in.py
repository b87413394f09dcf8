"""The door: sign in, sign out, and choosing the password on first start."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from aggregator.errors import PasswordError, TooManyAttemptsError
from aggregator.services.catalogue import Services
from aggregator.web import security
from aggregator.web.access import of_oneself, open_to_all


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("sign_in", __name__)
    accounts = services.accounts

    @routes.get("/sign-in")
    @open_to_all
    def form() -> ResponseReturnValue:
        if not accounts.is_set():
            return redirect(url_for("sign_in.setup"))
        return render_template("sign_in.html", target=security.safe_target(request.args.get("next")))

    @routes.post("/sign-in")
    @open_to_all
    def enter() -> ResponseReturnValue:
        target = security.safe_target(request.form.get("next"))
        try:
            if accounts.verify(request.form.get("password", ""), request.remote_addr or ""):
                security.sign_in(accounts)
                return redirect(target)
        except TooManyAttemptsError as error:
            headers = {"Retry-After": f"{error.retry_after_s:.0f}"}
            return render_template("sign_in.html", target=target, refusal=_sentence(error)), 429, headers
        refusal = "That is not the password."
        return render_template("sign_in.html", target=target, refusal=refusal), 403

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
        except (PasswordError, TooManyAttemptsError) as error:
            return render_template("setup.html", code=code, refusal=_sentence(error)), 400
        security.sign_in(accounts)
        return redirect(url_for("fleet.overview"))

    @routes.post("/sign-out")
    @of_oneself
    def leave() -> ResponseReturnValue:
        security.sign_out()
        return redirect(url_for("sign_in.form"))

    return routes


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
