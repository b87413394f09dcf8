"""``aggregator ota export``, ``sign`` and ``hand-in``: for a signer whose machine touches no network."""

import argparse
from dataclasses import asdict, replace
from pathlib import Path

from aggregator.commands.given import say, say_json
from aggregator.commands.ota_place import DONE, REFUSED, destination, place, tell
from aggregator.commands.ota_publish import chosen, published_in, read_bundle_file
from aggregator.errors import HandOverError, TrustError
from aggregator.services.durable_files import in_words
from aggregator.services.durable_files import replace as replace_file
from aggregator.services.key_folder import KeyFolder, newest
from aggregator.services.ota_destinations import HAND_IN
from aggregator.services.ota_signing import Change, OnlineSecret
from aggregator.services.publish_token import FILE as TOKEN_DIGEST
from aggregator.trust import hand_over, roots
from aggregator.trust.hand_over import HandOver
from aggregator.trust.releases import Addition


def export(arguments: argparse.Namespace) -> int:
    """Write down what is to be signed."""
    target, arguments.out = arguments.out, None
    with destination(arguments) as there:
        offered = there.offered()
        if offered is None:
            raise TrustError("no keys were handed in yet: `aggregator ota keys init` makes them")
        add = []
        if arguments.bundle is not None:
            add.append(read_bundle_file(arguments))
        if arguments.release is not None:
            add.append(there.bundle(arguments.release))
    nodes = tuple(arguments.node) or None
    asked = replace(
        offered,
        add=tuple(Addition(content=one, nodes=nodes) for one in add),
        remove=tuple(chosen(published_in(offered), one).target for one in arguments.remove),
        signed=False,
    )
    _write(target, asked)
    if arguments.json:
        say_json(_plan(asked) | {"written": str(target)})
    else:
        _tell(asked)
        say(f"written to {target}: `aggregator ota sign` signs it")
    return DONE


def sign(arguments: argparse.Namespace) -> int:
    """Sign what a file asks for; without ``--yes`` only say what that is."""
    asked = read_file(arguments.file)
    if not arguments.yes:
        _tell(asked)
        say("nothing was signed: add --yes")
        return REFUSED
    if arguments.out is None:
        arguments.out = arguments.file.with_suffix(".signed.json")
    with place(arguments) as here:
        change = here.signing.sign(_on_record(here.folder, asked))
        told = here.deliver(change)
    return tell(told | _plan(asked), as_json=arguments.json)


def hand_in(arguments: argparse.Namespace) -> int:
    """Give the aggregator what was signed."""
    path: Path = arguments.file
    folder = KeyFolder(arguments.keys[0]) if arguments.keys else None
    change = Change(handed=read_file(path / HAND_IN if path.is_dir() else path), online=_online(path))
    digest = path / TOKEN_DIGEST
    arguments.out = None
    with destination(arguments, folder) as there:
        where = there.deliver(change, digest.read_text().strip() if digest.is_file() else "")
    published = published_in(change.handed)
    if arguments.json:
        say_json({"delivered": where, "published": [asdict(one) for one in published]})
    else:
        say(f"{len(published)} published; root and targets {where}")
    return DONE


def read_file(path: Path) -> HandOver:
    """What a file says."""
    try:
        return hand_over.read(path.read_bytes())
    except OSError as error:
        raise HandOverError(f"{path}: {error.strerror or error}") from error


def _on_record(folder: KeyFolder, asked: HandOver) -> HandOver:
    """``asked``, if it goes on from what this signer knows. A root that waits for signatures comes later."""
    record = folder.record()
    chain = asked.roots[:-1] if roots.lacking(asked.roots) else asked.roots
    if record is None or not chain:
        return asked
    base = newest(record, replace(asked, roots=chain))
    if len(base.roots) > len(chain) or (not asked.signed and base.targets != asked.targets):
        raise TrustError("this file was made from older metadata than was signed here: export it again")
    return asked


def _online(path: Path) -> OnlineSecret | None:
    found = sorted(path.glob("online.*.pem")) if path.is_dir() else []
    if not found:
        return None
    passphrase = found[0].with_suffix(".passphrase").read_text().strip()
    return OnlineSecret(keyid="", sealed=found[0].read_bytes(), passphrase=passphrase)


def _write(path: Path, asked: HandOver) -> None:
    try:
        replace_file(path, hand_over.write(asked))
    except OSError as error:
        raise HandOverError(f"{path} cannot be written: {in_words(error)}") from error


def _plan(asked: HandOver) -> dict[str, object]:
    return {
        "add": [{"digest": one.digest, "nodes": one.nodes} for one in asked.add],
        "remove": list(asked.remove),
        "root": roots.changes(asked.roots) if roots.lacking(asked.roots) else [],
    }


def _tell(asked: HandOver) -> None:
    for one in asked.add:
        only = f", only for {', '.join(one.nodes)}" if one.nodes else ""
        say(f"to publish: {one.model} {one.digest}, {len(one.content)} bytes{only}")
    for target in asked.remove:
        say(f"to withdraw: {target}")
    if roots.lacking(asked.roots):
        for change in roots.changes(asked.roots):
            say(f"to sign: {change}")
    elif not (asked.add or asked.remove):
        say("to renew: what is published, without a change")
