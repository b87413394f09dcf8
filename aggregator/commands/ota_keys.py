"""``aggregator ota keys`` and ``renew``: who may sign, and until when."""

import argparse
import time
from datetime import UTC, datetime
from typing import Any

from aggregator.commands.given import say, say_json, settings_of
from aggregator.commands.ota_place import DONE, REFUSED, Place, destination, key_rows, place, tell
from aggregator.errors import TrustError
from aggregator.services import publish_token
from aggregator.services.key_folder import TOKEN, KeyFolder, newest
from aggregator.services.ota_signing import Change
from aggregator.trust import releases, roots
from aggregator.trust.lifetimes import is_due

_AFTER_INIT = """\
What now:
  1. Nodes trust what they find in {folder}/metadata/1.root.json: copy it to each, and name it in
     [update] root of its settings.
  2. Move two of the three root keys to places of their own, such as two sticks in two drawers.
     Root keys are needed once a year, and when a key is lost or stolen.
  3. Back up targets.*.pem and publish.token; this machine needs them to publish.
  4. `aggregator ota publish BUNDLE --keys {folder}` publishes the first bundle."""


def init(arguments: argparse.Namespace) -> int:
    """Make every key."""
    with place(arguments) as here:
        _check_way(here)
        change = here.signing.begin()
        token = publish_token.make()
        here.folder.write(TOKEN, f"{token}\n".encode())
        told = here.deliver(change, publish_token.digest_of(token))
    return tell(
        told | {"keys": key_rows(change.handed, here.folder)},
        *(
            f"made {one['name']:8} {one['id'][:12]}  signs {one['signs']}"
            for one in key_rows(change.handed, None)
        ),
        _AFTER_INIT.format(folder=arguments.keys[0]),
        as_json=arguments.json,
    )


def rotate(arguments: argparse.Namespace) -> int:
    """Put new keys in the places of some."""
    names = set(arguments.names)
    with place(arguments) as here:
        if roots.ONLINE in names:
            _check_way(here)
        change = here.signing.rotate(here.base(), names)
        told = here.deliver(change)
    rows = [one for one in key_rows_of(change, here) if one["name"] in names]
    made = (f"made {one['name']:8} {one['id'][:12]}; the one before counts no more" for one in rows)
    return tell(told | {"keys": rows}, *made, as_json=arguments.json)


def token(arguments: argparse.Namespace) -> int:
    """Make another token for uploads."""
    with place(arguments) as here:
        _check_way(here)
        made = publish_token.make()
        told = here.deliver(Change(handed=here.base()), publish_token.digest_of(made))
        here.folder.write(TOKEN, f"{made}\n".encode())
    return tell(told, f"made {TOKEN}; the one before opens nothing any more", as_json=arguments.json)


def renew(arguments: argparse.Namespace) -> int:
    """Sign again what is in force, so that it stays valid."""
    with place(arguments) as here:
        base = here.base()
        change = here.signing.rotate(base, ()) if arguments.root else here.signing.publish(base)
        told = here.deliver(change)
    what = "which keys count" if arguments.root else "what is published"
    return tell(told, f"renewed: {what}", as_json=arguments.json)


def show(arguments: argparse.Namespace) -> int:
    """Print which keys count, and until when."""
    folder = KeyFolder(arguments.keys[0], arguments.keys[1:]) if arguments.keys else None
    with destination(arguments, folder) as there:
        base = newest(None if folder is None else folder.record(), there.offered())
    root, targets = roots.verified(base.roots), releases.verified(roots.verified(base.roots), base.targets)
    wanted = settings_of(arguments).ota
    lives = [
        _life("root", root.version, root.expires, wanted.root_days, "aggregator ota renew --root"),
        _life("targets", targets.version, targets.expires, wanted.targets_days, "aggregator ota renew"),
    ]
    rows = key_rows(base, folder)
    if arguments.json:
        say_json({"keys": rows, "metadata": lives})
    else:
        _show(rows, lives)
    return REFUSED if any(one["due"] for one in lives) else DONE


def _show(rows: list[dict[str, Any]], lives: list[dict[str, Any]]) -> None:
    for one in rows:
        where = "is here" if one["here"] else ""
        say(f"{one['name']:8} {one['id'][:12]}  signs {one['signs']:20} {where}".rstrip())
    for life in lives:
        hint = f"; renew it: `{life['remedy']}`" if life["due"] else ""
        say(f"{life['role']:8} version {life['version']}, valid until {life['until']}{hint}")


def _life(role: str, version: int, expires: datetime, days: float, remedy: str) -> dict[str, Any]:
    return {
        "role": role, "version": version, "expires_s": expires.timestamp(),
        "until": expires.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "due": is_due(expires, days, time.time()), "remedy": remedy,
    }  # fmt: skip


def _check_way(here: Place) -> None:
    if not here.destination.takes_secrets:
        raise TrustError("a key or token does not go over the network: use --out FOLDER and carry it")


def key_rows_of(change: Change, here: Place) -> list[dict[str, Any]]:
    """Every key of the newest root of a change, signed by enough or not."""
    names = roots.names(roots.read(change.handed.roots[-1]))
    return [
        {"name": name, "id": keyid, "here": here.folder.path(name, keyid) is not None}
        for name, keyid in names.items()
    ]
