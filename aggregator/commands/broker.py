"""What ``aggregator broker`` runs."""

import argparse
import socket
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final

from aggregator import bootstrap, broker_files
from aggregator.commands.given import say, say_json, settings_of
from aggregator.errors import SettingsError
from aggregator.services import broker_place
from aggregator.services.broker_place import BrokerPlace
from aggregator.services.own_hosts import host_of, own_hosts
from aggregator.settings import Settings

WELL, NOT_WELL = 0, 3
PORT: Final = 8883
PLAIN_PORT: Final = 1883
_LOOK_S: Final = 1.0


def config(arguments: argparse.Namespace) -> int:
    """Write a configuration for mosquitto, and say what to do with it."""
    settings, folder = settings_of(arguments), arguments.into.absolute()
    if arguments.plain or arguments.node:
        made = broker_files.plan(
            folder, port=arguments.port or PLAIN_PORT, bind=arguments.bind, nodes=arguments.node,
            namespace=settings.fleet.namespace,
        )  # fmt: skip
        broker_files.write(folder, made.files)
    else:
        made = _certified(settings, folder, arguments)
    if arguments.json:
        say_json({"folder": str(folder), "files": sorted(made.files)})
    else:
        say(made.advice)
    return WELL


def _certified(settings: Settings, folder: Path, arguments: argparse.Namespace) -> broker_files.Plan:
    given = (*arguments.host, host_of(settings.ota.url), arguments.bind, arguments.inner_bind)
    place = BrokerPlace(
        folder=str(folder), hosts=own_hosts(socket.gethostname(), given),
        port=arguments.port or PORT, inner_port=arguments.inner_port,
    )  # fmt: skip
    authority = bootstrap.authority(settings)
    with closing(bootstrap.database(settings, migrate=True)) as opened:
        bootstrap.enrolment(settings, opened).publish()
    made = broker_files.certified(
        place, authority, bind=arguments.bind, inner_bind=arguments.inner_bind,
        namespace=settings.fleet.namespace,
    )  # fmt: skip
    broker_files.write(folder, made.files)
    broker_place.keep(authority.folder, place)
    return made


def refresh(arguments: argparse.Namespace) -> int:
    """Bring the broker's files up to date, once or again and again."""
    settings = settings_of(arguments)
    authority, place = bootstrap.authority(settings), _place(settings)
    while True:
        changed = broker_files.refresh(place, authority, settings.fleet.namespace)
        if arguments.json:
            say_json({"changed": changed})
        elif changed or not arguments.watch:
            say(f"{place.folder}: {', '.join(changed) or 'all as it should be'}")
        if not arguments.watch:
            return WELL
        time.sleep(_LOOK_S)


def check(arguments: argparse.Namespace) -> int:
    """Try at the broker what nobody should be able to do."""
    from aggregator.broker_check import Check
    from aggregator.broker_check import check as look
    from aggregator.mqtt.caller import Door
    from aggregator.mqtt.eviction import find_door

    settings = settings_of(arguments)
    place, authority = _place(settings), bootstrap.authority(settings)
    pem = authority.authority().pem
    hosts = (arguments.host,) if arguments.host else (settings.broker.host, *place.hosts)
    wanted = Check(
        nodes=find_door(hosts, arguments.port or place.port, pem),
        inner=Door(host=settings.broker.host, port=place.inner_port, authority=pem),
        authority=authority, namespace=settings.fleet.namespace,
    )  # fmt: skip
    findings = list(look(wanted))
    well = all(one.ok for one in findings)
    if arguments.json:
        say_json({"ok": well, "checks": [asdict(one) for one in findings]})
    for one in () if arguments.json else findings:
        say(f"{'ok     ' if one.ok else 'PROBLEM'} {one.what:16} {one.says}")
        if one.mend:
            say(f"{'':24} mend: {one.mend}")
    return WELL if well else NOT_WELL


def _place(settings: Settings) -> BrokerPlace:
    found = broker_place.read(bootstrap.authority(settings).folder)
    if found is None:
        raise SettingsError("no broker with certificates was put up from here: `aggregator broker config`")
    return found
