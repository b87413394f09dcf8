"""``aggregator ota publish``, ``withdraw`` and ``list``: which bundles nodes may run."""

import argparse
import time
from dataclasses import asdict

from aggregator import bootstrap
from aggregator.commands.given import say, say_json, settings_of
from aggregator.commands.ota_place import DONE, place, tell
from aggregator.domain.published import Published
from aggregator.errors import TrustError
from aggregator.trust import releases, roots
from aggregator.trust.hand_over import HandOver
from aggregator.trust.releases import Addition


def publish(arguments: argparse.Namespace) -> int:
    """List a bundle."""
    with place(arguments) as here:
        if arguments.bundle is not None:
            content = read_bundle_file(arguments)
        else:
            content = here.destination.bundle(arguments.release)
        addition = Addition(content=content, nodes=tuple(arguments.node) or None)
        change = here.signing.publish(here.base(), add=[addition])
        told = here.deliver(change)
    listed = next(one for one in published_in(change.handed) if one.digest == addition.digest)
    return tell(told | {"published": asdict(listed)}, f"published {_line(listed)}", as_json=arguments.json)


def withdraw(arguments: argparse.Namespace) -> int:
    """List bundles no more."""
    with place(arguments) as here:
        base = here.base()
        gone = [chosen(published_in(base), one) for one in arguments.targets]
        told = here.deliver(here.signing.publish(base, remove={one.target for one in gone}))
    lines = (*(f"withdrawn {_line(one)}" for one in gone), "Nodes that run it go on; no other node takes it.")
    return tell(told | {"withdrawn": [asdict(one) for one in gone]}, *lines, as_json=arguments.json)


def list_(arguments: argparse.Namespace) -> int:
    """Print what is published."""
    published = bootstrap.ota_repository(settings_of(arguments)).published()
    if arguments.json:
        say_json({"published": [asdict(one) for one in published]})
    elif not published:
        say("nothing is published yet; `aggregator ota publish` does that")
    for one in () if arguments.json else published:
        say(_line(one))
    return DONE


def published_in(handed: HandOver) -> tuple[Published, ...]:
    """What verified targets metadata lists."""
    return releases.published(releases.verified(roots.read(handed.roots[-1]), handed.targets))


def chosen(published: tuple[Published, ...], word: str) -> Published:
    """The one that ``word`` means: its target, its digest or the beginning of it, or its model."""
    found = [one for one in published if word in (one.target, one.model) or one.digest.startswith(word)]
    if len(found) != 1:
        known = ", ".join(one.target for one in (found or published)) or "nothing"
        raise TrustError(f"{word!r} is {'more than one' if found else 'none'} of what is published: {known}")
    return found[0]


def read_bundle_file(arguments: argparse.Namespace) -> bytes:
    """The file that the command line names."""
    try:
        content: bytes = arguments.bundle.read_bytes()
    except OSError as error:
        raise TrustError(f"{arguments.bundle}: {error.strerror or error}") from error
    return content


def _line(one: Published) -> str:
    only = f", only for {', '.join(one.nodes)}" if one.nodes else ""
    day = time.strftime("%Y-%m-%d", time.localtime(one.published_s))
    return f"{one.model:24} {one.digest[:12]}  {one.size_bytes / 1000:>6.0f} kB  {day}{only}"
