"""The review queue: one card at a time, answered by key, by click, or without any script."""

from typing import Any, Final

from flask import (
    Blueprint,
    flash,
    get_template_attribute,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.review import ACCEPT, Stored
from aggregator.services.reviews import CardView
from aggregator.web.access import needs, person
from aggregator.web.window_chart import card_chart

SHOWN: Final = 100
_LABEL: Final = "label:"
_GROUP: Final = "accept_group"


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("review", __name__)
    review = services.review

    @routes.get("/review")
    @needs(Permission.REVIEW)
    def page() -> ResponseReturnValue:
        return _page(services, review.next(person().name, second=_second()))

    @routes.get("/review/cards/<int:window_id>")
    @needs(Permission.REVIEW)
    def card(window_id: int) -> ResponseReturnValue:
        return _page(services, review.card(window_id))

    @routes.get("/review/next")
    @needs(Permission.REVIEW)
    def following() -> ResponseReturnValue:
        return jsonify(_following(services))

    @routes.post("/review/answer")
    @needs(Permission.REVIEW)
    def answer() -> ResponseReturnValue:
        said = request.form.get("said", "")
        told = review.answer(
            request.form.get("window", 0, type=int),
            person().name,
            ACCEPT if said == _GROUP else "label" if said.startswith(_LABEL) else said,
            label_id=_label_id(said),
            whole_group=said == _GROUP or "whole_group" in request.form,
        )
        if _by_script():
            return jsonify(told=told_words(told), **_following(services))
        flash(told_words(told))
        return redirect(url_for("review.page", second=request.form.get("second") or None), 303)

    @routes.post("/review/undo")
    @needs(Permission.REVIEW)
    def undo() -> ResponseReturnValue:
        undone = review.undo(person().name)
        if undone is None:
            told = "There is nothing of yours to undo."
        else:
            told = f"Undone{f' for {undone.windows} windows' if undone.windows > 1 else ''}."
        if _by_script():
            card = None if undone is None else _html(services, review.card(undone.window_id))
            return jsonify(told=told, card=card, progress=_progress(services))
        flash(told)
        if undone is None:
            return redirect(url_for("review.page"), 303)
        return redirect(url_for("review.card", window_id=undone.window_id), 303)

    @routes.get("/review/disagreements")
    @needs(Permission.SEE)
    def disagreements() -> ResponseReturnValue:
        return render_template("disagreements.html", found=review.disagreements(), me=person().name)

    @routes.get("/review/answers")
    @needs(Permission.SEE)
    def answers() -> ResponseReturnValue:
        progress = review.progress(person().name)
        return render_template(
            "answers.html", answers=review.recent(SHOWN), progress=progress, me=person().name
        )

    return routes


def told_words(told: Stored) -> str:
    """What became of an answer, for its reviewer."""
    if told.verdict == "skip":
        return "Skipped."
    words = "None of them" if told.verdict == "none" else f"“{told.label}”"
    if told.batch is None:
        return f"{words}: that was kept before."
    return f"{words} kept for {told.windows} windows." if told.windows > 1 else f"{words} kept."


def _page(services: Services, card: CardView | None) -> str:
    return render_template(
        "review.html",
        card=card,
        chart=None if card is None else card_chart(card.window, card.guess),
        labels=services.labels.labels(),
        progress=services.review.progress(person().name),
        me=person().name,
        second=_second(),
    )


def _following(services: Services) -> dict[str, Any]:
    """The next card that the script does not hold yet, and how far the reviewing has come."""
    beside = request.values.getlist("beside", type=int)
    card = services.review.next(person().name, beside=beside, second=_second())
    html = None if card is None else _html(services, card)
    return {"card": html, "progress": _progress(services)}


def _html(services: Services, card: CardView) -> str:
    macro = get_template_attribute("card.html", "card_form")
    chart = card_chart(card.window, card.guess)
    return str(macro(card, chart, services.labels.labels(), _second()))


def _progress(services: Services) -> str:
    macro = get_template_attribute("card.html", "progress_words")
    return str(macro(services.review.progress(person().name)))


def _label_id(said: str) -> int | None:
    number = said.removeprefix(_LABEL)
    return int(number) if said.startswith(_LABEL) and number.isdecimal() and len(number) < 16 else None


def _second() -> bool:
    return request.values.get("second") == "1"


def _by_script() -> bool:
    return request.accept_mimetypes.best == "application/json"
