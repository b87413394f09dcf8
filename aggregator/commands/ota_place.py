"""Where a command of ``aggregator ota`` signs, and where to what it signs goes."""

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from aggregator import bootstrap
from aggregator.commands.given import say, say_json, settings_of, user
from aggregator.commands.passphrases import Passphrases
from aggregator.errors import TrustError
from aggregator.services.key_folder import KeyFolder, newest
from aggregator.services.ota_destinations import Carried, Destination, Here, There
from aggregator.services.ota_signing import Change, Signing
from aggregator.trust import releases, roots
from aggregator.trust.hand_over import HandOver

DONE, REFUSED = 0, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Keys, and an aggregator."""

    folder: KeyFolder
    signing: Signing
    destination: Destination

    def base(self) -> HandOver:
        """What to sign on from."""
        return newest(self.folder.record(), self.destination.offered())

    def deliver(self, change: Change, token_digest: str = "") -> dict[str, Any]:
        """Hand a change over and remember it; what to tell of it."""
        if change.lacking and not isinstance(self.destination, Carried):
            raise TrustError(
                f"{change.lacking}. Use --out FILE, and let the holder of another root key run "
                "`aggregator ota sign` on it"
            )
        where = self.destination.deliver(change, token_digest)
        if not change.lacking:
            self.folder.remember(change.handed)
        return {
            "root_version": len(change.handed.roots),
            "targets_version": releases.version(change.handed.targets),
            "lacking": change.lacking,
            "delivered": where,
        }


@contextmanager
def place(arguments: argparse.Namespace) -> Iterator[Place]:
    """What the flags say."""
    settings = settings_of(arguments)
    passphrases = Passphrases(arguments)
    folder = KeyFolder(arguments.keys[0], arguments.keys[1:])
    signing = Signing(folder, passphrases.open, passphrases.choose, bootstrap.lifetimes(settings))
    with destination(arguments, folder) as chosen:
        yield Place(folder=folder, signing=signing, destination=chosen)


@contextmanager
def destination(arguments: argparse.Namespace, folder: KeyFolder | None = None) -> Iterator[Destination]:
    """The aggregator that the flags name: a file, one over HTTP, or that of the settings."""
    settings = settings_of(arguments)
    if arguments.out is not None:
        yield Carried(arguments.out)
    elif arguments.url:
        if folder is None:
            raise TrustError("--url needs --keys: the token for uploads lies there")
        yield There(arguments.url, folder.token())
    else:
        with closing(bootstrap.database(settings, migrate=True)) as opened:
            publishing = bootstrap.ota_publishing(settings, opened)
            repository = bootstrap.ota_repository(settings)
            yield Here(repository, publishing, bootstrap.ota_folder(settings), user())


def tell(told: dict[str, Any], *lines: str, as_json: bool) -> int:
    """Say what was done; the exit status."""
    if as_json:
        say_json(told)
        return DONE
    for line in lines:
        say(line)
    say(f"root version {told['root_version']}, targets version {told['targets_version']} {told['delivered']}")
    if told["lacking"]:
        say(f"not valid yet: {told['lacking']}; another holder of a root key runs `aggregator ota sign`")
    return DONE


def key_rows(handed: HandOver, folder: KeyFolder | None) -> list[dict[str, Any]]:
    """Every key that the newest root names."""
    root = roots.verified(handed.roots)
    return [
        {
            "name": name,
            "id": keyid,
            "signs": ", ".join(roots.ROLES_OF[name]),
            "here": folder is not None and folder.path(name, keyid) is not None,
        }
        for name, keyid in sorted(roots.names(root).items(), key=lambda one: roots.KEYS.index(one[0]))
    ]
