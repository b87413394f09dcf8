"""What nodes send to learn from: the policies of the fleet, of tags and of nodes."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.domain.sampling import FLEET, NODE, TAG
from aggregator.errors import PolicyError
from aggregator.services.catalogue import Services
from aggregator.web import sampling_form
from aggregator.web.access import needs, person
from aggregator.web.formats import sentence
from aggregator.web.sampling_form import Filled
from contract.sampling import Sampling


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("sampling", __name__)

    @routes.get("/sampling")
    @needs(Permission.SEE)
    def overview() -> ResponseReturnValue:
        return render_template(
            "sampling.html",
            policies={(one.scope, one.target): one for one in services.sampling.policies()},
            tags=services.sampling.tags(),
            nodes=services.sampling.nodes(),
        )

    @routes.get("/sampling/fleet", defaults={"name": ""}, endpoint=FLEET)
    @routes.get("/sampling/tags/<name>", endpoint=TAG)
    @routes.get("/nodes/<name>/sampling", endpoint=NODE)
    @needs(Permission.SEE)
    def page(name: str) -> ResponseReturnValue:
        return _page(services, _scope(), name)

    @routes.post("/sampling/fleet", defaults={"name": ""}, endpoint=f"set_{FLEET}")
    @routes.post("/sampling/tags/<name>", endpoint=f"set_{TAG}")
    @routes.post("/nodes/<name>/sampling", endpoint=f"set_{NODE}")
    @needs(Permission.SAMPLING)
    def put(name: str) -> ResponseReturnValue:
        return _put(services, _scope(), name)

    @routes.post("/sampling/fleet/remove", defaults={"name": ""}, endpoint=f"remove_{FLEET}")
    @routes.post("/sampling/tags/<name>/remove", endpoint=f"remove_{TAG}")
    @routes.post("/nodes/<name>/sampling/remove", endpoint=f"remove_{NODE}")
    @needs(Permission.SAMPLING)
    def remove(name: str) -> ResponseReturnValue:
        scope = _scope()
        services.sampling.remove(scope, name)
        flash(f"{_whose(scope, name)} no sampling policy any more. What applies next is shown below.")
        return redirect(url_for(f"sampling.{scope}", name=name or None))

    return routes


def form_of(services: Services, scope: str, name: str) -> Filled:
    """The form as it is first shown: the policy, else what applies without it, else the defaults."""
    policy = services.sampling.policy(scope, name) or services.sampling.policy(FLEET)
    sampling = policy.sampling if policy else Sampling()
    node = services.sampling.node(name) if scope == NODE else None
    if node is not None:
        sampling = node.wanted.sampling if node.wanted else node.in_force or sampling
    return Filled(texts=sampling_form.shown(sampling), errors={}, sampling=sampling)


def _put(services: Services, scope: str, name: str) -> ResponseReturnValue:
    filled = sampling_form.read(request.form)
    if filled.sampling is None:
        return _page(services, scope, name, filled), 400
    try:
        services.sampling.put(scope, name, filled.sampling, by=person().name)
    except PolicyError as error:
        return _page(services, scope, name, _refused(filled, sentence(error))), 400
    flash(f"{_whose(scope, name)} a new sampling policy. Nodes are told as soon as they are connected.")
    return redirect(url_for(f"sampling.{scope}", name=name or None))


def _page(services: Services, scope: str, name: str, filled: Filled | None = None) -> str:
    nodes = services.sampling.nodes(scope, name)
    if scope == NODE and not nodes:
        abort(404)
    return render_template(
        "sampling_policy.html",
        scope=scope,
        name=name,
        policy=services.sampling.policy(scope, name),
        filled=filled or form_of(services, scope, name),
        groups=sampling_form.GROUPS,
        labels=services.sampling.labels(scope, name),
        nodes=nodes,
        marked=sorted({label for one in nodes for label in one.marked}),
    )


def _refused(filled: Filled, sentence: str) -> Filled:
    return Filled(texts=filled.texts, errors={"private": sentence}, sampling=None)


def _scope() -> str:
    """The scope that the endpoint of the request is about."""
    return (request.endpoint or "").rsplit(".", 1)[-1].rsplit("_", 1)[-1]


def _whose(scope: str, name: str) -> str:
    return {FLEET: "The fleet has", TAG: f"The tag {name} has", NODE: f"{name} has"}[scope]
