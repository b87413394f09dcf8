"""The start page: every node, and what it heard last."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from aggregator.services.catalogue import Services


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("fleet", __name__)

    @routes.get("/")
    def overview() -> ResponseReturnValue:
        nodes = services.fleet.nodes()
        last = {node.name: services.detections.newest(1, node=node.name) for node in nodes}
        return render_template("fleet.html", nodes=nodes, last=last)

    return routes
