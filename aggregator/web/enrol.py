"""Where nodes join and renew their certificates, in HTTPS. The routes look at what is sent, never at cookies.

They are open to all because a node that has nothing yet must reach them: a token is what lets it in, a
signature with the key of its certificate what gives it another.
"""

from typing import Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from aggregator.services.catalogue import Services
from aggregator.web.access import for_programs
from aggregator.web.problems import problem
from contract import enrolment as wire
from contract.errors import EnrolmentError

_INSECURE: Final = "only over HTTPS: what is said here must not be read on the way"


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("enrol", __name__, url_prefix=wire.ROUTES)

    @routes.before_request
    def only_encrypted() -> Response | None:
        of_this_machine = request.remote_addr in ("127.0.0.1", "::1")
        return None if request.is_secure or of_this_machine else problem(403, _INSECURE)

    @routes.get("/authority")
    @for_programs
    def authority() -> ResponseReturnValue:
        return Response(services.authority.authority().pem, mimetype="application/x-pem-file")

    @routes.post("/enrol")
    @for_programs
    def enrol() -> ResponseReturnValue:
        return _answer(services.enrolment.enrol(wire.read(wire.Enrol, _sent())))

    @routes.post("/renew")
    @for_programs
    def renew() -> ResponseReturnValue:
        return _answer(services.enrolment.renew(wire.read(wire.Renew, _sent())))

    @routes.post("/confirm")
    @for_programs
    def confirm() -> ResponseReturnValue:
        services.enrolment.confirm(wire.read(wire.Confirm, _sent()))
        return Response(status=204)

    @routes.errorhandler(EnrolmentError)
    def not_understood(error: EnrolmentError) -> ResponseReturnValue:
        return problem(400, f"{error}.")

    return routes


def _sent() -> bytes:
    return request.get_data(cache=False)


def _answer(granted: wire.Granted) -> Response:
    return Response(wire.write(granted), mimetype="application/json", headers={"Cache-Control": "no-store"})
