"""The JSON API of sampling policies. ``docs/api.md`` describes each route and field."""

import dataclasses
from typing import Any

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue

from aggregator.domain.roles import Permission
from aggregator.domain.sampling import FLEET, NODE, TAG, Policy
from aggregator.errors import PolicyError
from aggregator.services.catalogue import Services
from aggregator.services.sampling import NodeSampling
from aggregator.web.access import needs, person
from contract.errors import ContractError
from contract.sampling import Sampling


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("sampling_api", __name__, url_prefix="/api/v1/sampling")

    @routes.get("")
    @needs(Permission.SEE)
    def overview() -> ResponseReturnValue:
        return jsonify(
            policies=[policy_fields(policy) for policy in services.sampling.policies()],
            nodes=[_node_fields(node) for node in services.sampling.nodes()],
        )

    @routes.get("/fleet", defaults={"name": ""}, endpoint=FLEET)
    @routes.get("/tags/<name>", endpoint=TAG)
    @routes.get("/nodes/<name>", endpoint=NODE)
    @needs(Permission.SEE)
    def policy(name: str) -> ResponseReturnValue:
        found = services.sampling.policy(_scope(), name)
        if found is None:
            abort(404)
        return jsonify(policy_fields(found))

    @routes.put("/fleet", defaults={"name": ""}, endpoint=f"put_{FLEET}")
    @routes.put("/tags/<name>", endpoint=f"put_{TAG}")
    @routes.put("/nodes/<name>", endpoint=f"put_{NODE}")
    @needs(Permission.SAMPLING)
    def put(name: str) -> ResponseReturnValue:
        made = services.sampling.put(_scope(), name, read_sampling(request.get_json()), by=person().name)
        return jsonify(policy_fields(made))

    @routes.delete("/fleet", defaults={"name": ""}, endpoint=f"remove_{FLEET}")
    @routes.delete("/tags/<name>", endpoint=f"remove_{TAG}")
    @routes.delete("/nodes/<name>", endpoint=f"remove_{NODE}")
    @needs(Permission.SAMPLING)
    def remove(name: str) -> ResponseReturnValue:
        if not services.sampling.remove(_scope(), name):
            abort(404)
        return "", 204

    return routes


def read_sampling(plain: Any) -> Sampling:
    """The sampling that a body describes, whole: what is left out must not turn into a default unseen."""
    try:
        sampling = Sampling.from_plain(plain)
    except ContractError as error:
        raise PolicyError(str(error)) from error
    missing = [field.name for field in dataclasses.fields(Sampling) if field.name not in plain]
    if missing:
        raise PolicyError(f"missing field {missing[0]!r}: send every field of a sampling")
    return sampling


def policy_fields(policy: Policy) -> dict[str, Any]:
    """A policy as an object."""
    return dataclasses.asdict(policy)


def _node_fields(node: NodeSampling) -> dict[str, Any]:
    return dataclasses.asdict(node)


def _scope() -> str:
    return (request.endpoint or "").rsplit(".", 1)[-1].rsplit("_", 1)[-1]
