"""The labels that reviewers give: a list, and what can be done to each."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.errors import LabelError
from aggregator.services.catalogue import Services
from aggregator.services.labels import DIGITS, FIRST_FREE
from aggregator.web.access import needs, person


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("review_labels", __name__, url_prefix="/review/labels")
    labels = services.labels

    @routes.get("")
    @needs(Permission.SEE)
    def index() -> ResponseReturnValue:
        return render_template("labels.html", labels=labels.labels(), digits=DIGITS, me=person().name)

    @routes.post("")
    @needs(Permission.LABEL)
    def add() -> ResponseReturnValue:
        label = labels.add(
            request.form.get("name", ""),
            person().name,
            description=request.form.get("description", ""),
            private="private" in request.form,
            digit=read_digit(request.form.get("digit", str(FIRST_FREE))),
        )
        key = (
            f"key {label.digit} picks it"
            if label.digit
            else "no key picks it: give it one if you need it often"
        )
        return _back(f"“{label.name}” can be given from now on; {key}.")

    @routes.get("/<int:label_id>")
    @needs(Permission.SEE)
    def label(label_id: int) -> ResponseReturnValue:
        return render_template(
            "label.html",
            label=labels.label(label_id),
            labels=labels.labels(),
            digits=DIGITS,
            me=person().name,
        )

    @routes.post("/<int:label_id>")
    @needs(Permission.LABEL)
    def change(label_id: int) -> ResponseReturnValue:
        form = request.form
        digit = read_digit(form.get("digit", ""))
        label = labels.rename(label_id, form.get("name", ""), person().name)
        labels.change(
            label.id, person().name, description=form.get("description", ""), private="private" in form
        )
        labels.set_digit(label.id, digit, person().name)
        return _back(f"“{label.name}” is changed. Its {label.reviews} answers stay with it.")

    @routes.get("/<int:label_id>/merge")
    @needs(Permission.LABEL)
    def ask(label_id: int) -> ResponseReturnValue:
        plan = labels.merge_plan(label_id, _into())
        return render_template("merge.html", plan=plan, me=person().name)

    @routes.post("/<int:label_id>/merge")
    @needs(Permission.LABEL)
    def merge(label_id: int) -> ResponseReturnValue:
        plan = labels.merge(label_id, _into(), person().name)
        count = f"{plan.reviews} answer{'' if plan.reviews == 1 else 's'}"
        return _back(f"“{plan.label.name}” counts as “{plan.into.name}” from now on, with its {count}.")

    return routes


def read_digit(text: str) -> int | None:
    """A key as forms send it: 1 to 9, 0 for the first that is free, nothing for none."""
    if not text:
        return None
    if not text.isdecimal() or int(text) not in (FIRST_FREE, *DIGITS):
        raise LabelError(f"a label's key is one of {DIGITS[0]} to {DIGITS[-1]}")
    return int(text)


def _into() -> int:
    return request.values.get("into", 0, type=int)


def _back(told: str) -> ResponseReturnValue:
    flash(told)
    return redirect(url_for("review_labels.index"), 303)
