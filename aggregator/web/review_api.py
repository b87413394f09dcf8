"""The JSON API of reviewing: cards, answers, labels, the data set. ``docs/api.md`` describes each."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from aggregator.domain.roles import Permission
from aggregator.services.catalogue import Services
from aggregator.services.reviews import CardView
from aggregator.web.access import needs, person
from aggregator.web.filters import read_limit
from aggregator.web.review_labels import read_digit


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("review_api", __name__, url_prefix="/api/v1")
    review = services.review

    @routes.get("/review")
    @needs(Permission.SEE)
    def progress() -> ResponseReturnValue:
        return jsonify(asdict(review.progress(_whose())))

    @routes.get("/review/cards")
    @needs(Permission.SEE)
    def cards() -> ResponseReturnValue:
        return jsonify(window_ids=review.waiting(_whose(), read_limit(request.args)))

    @routes.get("/review/cards/<int:window_id>")
    @needs(Permission.SEE)
    def card(window_id: int) -> ResponseReturnValue:
        return jsonify(_card(review.card(window_id)))

    @routes.post("/review/next")
    @needs(Permission.REVIEW)
    def following() -> ResponseReturnValue:
        beside = request.form.getlist("beside", type=int)
        card = review.next(_reviewer(), beside=beside, second=request.form.get("second") == "1")
        return jsonify(card=None if card is None else _card(card))

    @routes.get("/review/answers")
    @needs(Permission.SEE)
    def answers() -> ResponseReturnValue:
        return jsonify(items=[asdict(one) for one in review.recent(read_limit(request.args))])

    @routes.post("/review/answers")
    @needs(Permission.REVIEW)
    def answer() -> ResponseReturnValue:
        stored = review.answer(
            _number("window_id"),
            _reviewer(),
            request.form.get("said", ""),
            label_id=_number("label_id") if "label_id" in request.form else None,
            whole_group=_truth("whole_group") or False,
        )
        return jsonify(asdict(stored))

    @routes.post("/review/undo")
    @needs(Permission.REVIEW)
    def undo() -> ResponseReturnValue:
        undone = review.undo(_reviewer())
        return jsonify(undone=None if undone is None else asdict(undone))

    @routes.get("/review/disagreements")
    @needs(Permission.SEE)
    def disagreements() -> ResponseReturnValue:
        return jsonify(items=[asdict(one) for one in review.disagreements()])

    @routes.get("/labels")
    @needs(Permission.SEE)
    def labels() -> ResponseReturnValue:
        return jsonify(labels=[asdict(one) for one in services.labels.labels()])

    @routes.post("/labels")
    @needs(Permission.LABEL)
    def add() -> ResponseReturnValue:
        made = services.labels.add(
            request.form.get("name", ""),
            _reviewer(),
            description=request.form.get("description", ""),
            private=_truth("private") or False,
            digit=read_digit(request.form.get("digit", "0")),
        )
        return jsonify(asdict(made)), 201

    @routes.post("/labels/<int:label_id>")
    @needs(Permission.LABEL)
    def change(label_id: int) -> ResponseReturnValue:
        form, me = request.form, _reviewer()
        digit = read_digit(form.get("digit", ""))
        if "name" in form:
            services.labels.rename(label_id, form["name"], me)
        services.labels.change(label_id, me, description=form.get("description"), private=_truth("private"))
        if "digit" in form:
            services.labels.set_digit(label_id, digit, me)
        return jsonify(asdict(services.labels.label(label_id)))

    @routes.post("/labels/<int:label_id>/merge")
    @needs(Permission.LABEL)
    def merge(label_id: int) -> ResponseReturnValue:
        return jsonify(asdict(services.labels.merge(label_id, _number("into"), _reviewer())))

    @routes.get("/dataset")
    @needs(Permission.SEE)
    def dataset() -> ResponseReturnValue:
        return jsonify(asdict(services.dataset.overview(request.args.get("frontend") or None)))

    @routes.get("/dataset/windows")
    @needs(Permission.SEE)
    def reviewed() -> ResponseReturnValue:
        items = services.dataset.reviewed(request.args.get("frontend", ""))
        return jsonify(items=[asdict(one) for one in items])

    return routes


def _card(card: CardView) -> dict[str, Any]:
    window = card.window
    return {
        "window_id": window.id,
        "node": window.node,
        "site": card.site,
        "model": window.model,
        "frontend_digest": window.frontend_digest,
        "reason": window.reason,
        "start_s": window.start_s,
        "end_s": card.end_s,
        "clock_trusted": card.clock_trusted,
        "guess": asdict(card.guess),
        "guesses": [{"label": label, "posterior": round(share, 4)} for label, share in card.guesses],
        "acceptance": None if card.acceptance is None else asdict(card.acceptance),
        "group": card.group,
        "value": card.value,
        "parts": asdict(card.parts),
        "answers": [asdict(one) for one in card.reviews],
    }


def _reviewer() -> str:
    """Who asks: nobody answers in another's name."""
    if request.form.get("reviewer", person().name) != person().name:
        abort(403, "Answers are kept in the name of who signed in, or whose token it is: leave out reviewer.")
    return person().name


def _whose() -> str:
    """Of whom something is read."""
    return request.args.get("reviewer") or person().name


def _number(name: str) -> int:
    value = request.form.get(name, type=int)
    if value is None:
        raise BadRequest(f"{name} must be a whole number.")
    return value


def _truth(name: str) -> bool | None:
    text = request.form.get(name)
    if text not in (None, "0", "1"):
        raise BadRequest(f"{name} must be 0 or 1.")
    return None if text is None else text == "1"
