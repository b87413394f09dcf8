"""One node: its health, its past, its policy."""

from time import time
from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.domain.sampling import NODE
from aggregator.errors import CommandError
from aggregator.services.catalogue import Services
from aggregator.services.fleet import NodeDetail
from aggregator.web.access import needs
from aggregator.web.drift_chart import drift_picture
from aggregator.web.fleet import last_with_picture
from aggregator.web.history_chart import count_lanes, level_chart, time_ticks
from aggregator.web.sampling import form_of
from aggregator.web.sampling_form import GROUPS
from contract.messages import PUBLISH_POLICIES

SPANS_S: Final = {"10 minutes": 600, "hour": 3600, "day": 86_400, "week": 7 * 86_400}
_LEVEL_POINTS: Final = 180
_COUNT_BUCKETS: Final = 48
_LAST_HEARD: Final = 8
ALERTS_SHOWN: Final = 8


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("node", __name__)

    @routes.get("/nodes/<name>")
    @needs(Permission.SEE)
    def page(name: str) -> ResponseReturnValue:
        detail = services.fleet.node(name)
        if detail is None:
            abort(404)
        until = time()
        span = _span(request.args.get("span"), detail, until)
        since = until - SPANS_S[span]
        return render_template(
            "node.html",
            detail=detail,
            node=detail.view,
            span=span,
            spans=tuple(SPANS_S),
            ticks=time_ticks(since, until),
            levels=level_chart(services.fleet.levels(name, since, until, _LEVEL_POINTS), detail.gaps),
            lanes=count_lanes(services.fleet.detection_counts(name, since, until, _COUNT_BUCKETS)),
            heard=services.detections.newest(_LAST_HEARD, node=name),
            last=last_with_picture(services, name),
            commands=services.commands.recent(name, 5),
            policies=PUBLISH_POLICIES,
            sampling=services.sampling.node(name),
            filled=form_of(services, NODE, name),
            groups=GROUPS,
            drift=drift_picture(services.drift.node(name)),
            alerts=services.drift.alerts(name, ALERTS_SHOWN),
            listening=services.listening.node(name),
            talk=services.talk.node(name),
        )

    @routes.post("/nodes/<name>/publish")
    @needs(Permission.NODES)
    def set_publish(name: str) -> ResponseReturnValue:
        policy = request.form.get("publish", "")
        if policy not in PUBLISH_POLICIES:
            raise CommandError(f"publish must be one of {', '.join(PUBLISH_POLICIES)}")
        services.commands.queue(name, "set_publish", publish=policy)
        flash(f"{name} has been asked to publish “{policy}”. It obeys as soon as it is connected.")
        return redirect(url_for("node.page", name=name))

    @routes.post("/nodes/<name>/report")
    @needs(Permission.NODES)
    def ask_report(name: str) -> ResponseReturnValue:
        services.commands.queue(name, "report")
        flash(f"{name} has been asked to report.")
        return redirect(url_for("node.page", name=name))

    return routes


def _span(asked: str | None, detail: NodeDetail, now_s: float) -> str:
    """The span that was asked for, else an hour, or ten minutes of a node that came only now."""
    if asked in SPANS_S:
        return asked
    first_heard_s = min((boot.first_heard_s for boot in detail.boots), default=now_s)
    return "hour" if now_s - first_heard_s > SPANS_S["10 minutes"] else "10 minutes"
