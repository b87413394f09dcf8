"""What ``aggregator node`` runs."""

import argparse
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Final

from aggregator import bootstrap, broker_files
from aggregator.commands.given import say, say_json, settings_of, user
from aggregator.errors import AggregatorError, BrokerError, EnrolmentRefusedError
from aggregator.mqtt import eviction
from aggregator.services import broker_place
from aggregator.services.commands import CommandService
from aggregator.services.enrolment import EnrolmentService
from aggregator.services.enrolment_views import EnrolmentView, EnrolmentViews
from aggregator.settings import Settings
from aggregator.store.database import Database

DONE: Final = 0
NOT_TOLD: Final = 3
RENEW: Final = "renew_certificate"
_ROTATE_LIFETIME_S: Final = 7 * 86_400.0


def add(arguments: argparse.Namespace) -> int:
    """Invite a node, and say what to run there."""
    settings = settings_of(arguments)
    hours = arguments.hours or settings.enrolment.token_hours
    with _opened(settings) as (opened, enrolment):  # noqa: RUF059
        made = enrolment.invite(
            arguments.name, site=arguments.site, tags=arguments.tag, lifetime_s=hours * 3600, who=user()
        )
    url = arguments.url or settings.ota.url or _address(settings)
    install = f"sudo deploy/edge/install.sh --enroll {url} {made.token}"
    enroll = f"sudo -u soundpost /opt/soundpost/bin/edge-agent enroll {url} {made.token}"
    if arguments.json:
        say_json({**asdict(made), "url": url, "install": install, "enroll": enroll})
        return DONE
    say(f"Token of {made.node}, good once until {_moment(made.expires_s)}:")
    say(f"  {made.token}")
    say("On the node, in a checkout; it asks nothing and starts the agent:")
    say(f"  {install}")
    say("Where the agent is installed already:")
    say(f"  {enroll}")
    if not (settings.web.https or arguments.url or settings.ota.url):
        say("The dashboard does not speak HTTPS yet, which nodes need to enrol: set [web] https = true.")
    return DONE


def list_(arguments: argparse.Namespace) -> int:
    """Who is in."""
    with _opened(settings_of(arguments)) as (opened, _):
        found = EnrolmentViews(opened).every()
    if arguments.json:
        say_json({"nodes": [asdict(one) for one in found]})
    elif not found:
        say("nobody was invited yet: aggregator node add NAME")
    for one in () if arguments.json else found:
        say(_line(one))
    return DONE


def revoke(arguments: argparse.Namespace) -> int:
    """Let a node out, and end its connection."""
    settings = settings_of(arguments)
    with _opened(settings) as (_, enrolment):
        count = enrolment.revoke(arguments.name, reason=arguments.reason, who=user())
    problem, seconds = "", None
    try:
        seconds = _evict(settings, arguments.name)
    except AggregatorError as error:
        problem = str(error)
    if arguments.json:
        say_json({"node": arguments.name, "certificates": count, "cut_s": seconds, "problem": problem})
    elif problem:
        say(f"{arguments.name} is revoked: {count} certificates. But: {problem}")
    else:
        say(f"{arguments.name} is revoked: {count} certificates")
        say(f"the broker refuses it, and ended its connection after {seconds:.1f} s")
    return NOT_TOLD if problem else DONE


def rotate(arguments: argparse.Namespace) -> int:
    """Ask nodes for new keys."""
    if bool(arguments.name) == arguments.all:
        raise EnrolmentRefusedError("say which node, or --all")
    with _opened(settings_of(arguments)) as (opened, _):
        found = EnrolmentViews(opened).every()
        inside = [one.node for one in found if one.standing in ("enrolled", "due")]
        wanted = inside if arguments.all else [arguments.name]
        if strangers := set(wanted) - set(inside):
            raise EnrolmentRefusedError(f"{min(strangers)!r} has no valid certificate")
        commands = CommandService(opened)
        asked = [commands.queue(node, RENEW, lifetime_s=_ROTATE_LIFETIME_S).node for node in wanted]
    if arguments.json:
        say_json({"asked": asked})
    else:
        say(f"asked: {', '.join(asked) or 'nobody'}; `aggregator node list` shows what has come of it")
    return DONE


def _evict(settings: Settings, node: str) -> float:
    """Seconds until the broker let it in no more; ``BrokerError`` if it cannot be seen to that."""
    authority = bootstrap.authority(settings)
    place = broker_place.read(authority.folder)
    if place is None:
        raise BrokerError(f"no broker was put up from here: give yours the list {authority.list_path}")
    trouble = ""
    try:
        broker_files.refresh(place, authority, settings.fleet.namespace)
    except AggregatorError as error:
        trouble = f" ({error})"  # somebody else may do it: a unit of systemd, another container
    door = eviction.find_door((settings.broker.host, *place.hosts), place.port, authority.authority().pem)
    done = eviction.evict(door, authority, node)
    if not done.refused:
        raise BrokerError(
            f"the broker has not read the list{trouble}; run `aggregator broker refresh` where it is, as a "
            "user who may, then this once more"
        )
    return done.seconds


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Database, EnrolmentService]]:
    with closing(bootstrap.database(settings, migrate=True)) as opened:
        yield opened, bootstrap.enrolment(settings, opened)


def _address(settings: Settings) -> str:
    host = broker_place.host_for_nodes(bootstrap.authority(settings).folder) or socket.gethostname()
    return f"https://{f'[{host}]' if ':' in host else host}:{settings.web.port}"


def _line(one: EnrolmentView) -> str:
    until = f"until {_moment(one.not_after_s)}" if one.not_after_s else ""
    if one.standing == "revoked":
        until = f"since {_moment(one.revoked_s)}: {one.reason}" if one.revoked_s else ""
    elif one.standing == "invited" and one.token_until_s:
        until = f"token until {_moment(one.token_until_s)}"
    again = "" if one.standing == "invited" or one.token_until_s is None else ", invited again"
    number = f"{one.generation}. time" if one.generation > 1 else ""
    return f"{one.node:24} {one.standing:9} {number:9} {until}{again}".rstrip()


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
