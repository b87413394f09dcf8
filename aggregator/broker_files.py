"""A configuration for mosquitto in which every node may write its own topics and nothing else."""

import base64
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aggregator.errors import SettingsError
from contract import topics
from contract.checks import NAME

AGGREGATOR: Final = "aggregator"
HASH_ROUNDS: Final = 101
LARGEST_MESSAGE_BYTES: Final = 1_000_000
QUEUED_MESSAGES: Final = 100_000

CONFIGURATION: Final = """\
# mosquitto 2.0 or later; written by `aggregator broker config`.
listener {port} {bind}

# To encrypt, before the port can be reached from elsewhere: put certificates here and remove the marks.
#cafile {folder}/ca.crt
#certfile {folder}/broker.crt
#keyfile {folder}/broker.key
#tls_version tlsv1.2

allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl

persistence true
persistence_location {folder}/
autosave_interval 60

# What waits for a client that is away. Past this mosquitto drops without a word; nodes send again, so that
# nothing is lost, but only after a while.
max_queued_messages {queued}
max_inflight_messages 1000

message_size_limit {largest}

# Sound of now must not wait until a packet is full.
set_tcp_nodelay true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Files to write, by name, and what to do afterwards."""

    files: Mapping[str, str]
    advice: str


def plan(folder: Path, *, port: int, bind: str, nodes: Sequence[str], namespace: str) -> Plan:
    """A configuration with a password for the aggregator and for each of ``nodes``.

    Raises ``SettingsError`` for a node whose name the contract does not allow.
    """
    for node in nodes:
        if not NAME.fullmatch(node) or node == AGGREGATOR:
            raise SettingsError(f"{node!r}: no name for a node; use 1 to 64 of a-z 0-9 _ -")
    passwords = {user: secrets.token_urlsafe(18) for user in (AGGREGATOR, *nodes)}
    files = {
        "mosquitto.conf": CONFIGURATION.format(
            port=port,
            bind=bind,
            folder=folder,
            queued=QUEUED_MESSAGES,
            largest=LARGEST_MESSAGE_BYTES,
        ),
        "acl": access_rules(namespace),
        "passwords": "".join(f"{user}:{hashed(word)}\n" for user, word in passwords.items()),
        "aggregator.env": f"SOUNDPOST_AGGREGATOR_BROKER_USERNAME={AGGREGATOR}\n"
        f"SOUNDPOST_AGGREGATOR_BROKER_PASSWORD={passwords[AGGREGATOR]}\n",
    }
    return Plan(files=files, advice=_advice(folder, {node: passwords[node] for node in nodes}))


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write ``files``, readable by the owner alone. ``SettingsError`` if one is there already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = [name for name in files if (folder / name).exists()]
        if present:
            raise SettingsError(f"{folder / present[0]}: is there already; choose another folder")
        for name, content in files.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be written: {error}") from error


def access_rules(namespace: str) -> str:
    """Who may do what: each node its own topics, the aggregator what it needs of all."""
    own = f"{namespace}/{topics.VERSION}/%u"
    every = f"{namespace}/{topics.VERSION}/+"
    lines = ["# %u is the name a client signed in with: a node can only speak for itself."]
    lines += [f"pattern {'write' if topic.from_node else 'read'} {own}/{topic.kind}" for topic in topics.ALL]
    lines += ["", f"user {AGGREGATOR}"]
    lines += [f"topic {'read' if topic.from_node else 'write'} {every}/{topic.kind}" for topic in topics.ALL]
    return "\n".join(lines) + "\n"


def hashed(password: str) -> str:
    """``password`` as mosquitto stores it (PBKDF2 with SHA-512)."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ROUNDS)
    return f"$7${HASH_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _advice(folder: Path, passwords: Mapping[str, str]) -> str:
    lines = [
        f"Written to {folder}. Next:",
        f"  mosquitto -c {folder}/mosquitto.conf      (the folder must belong to the user it runs as)",
        f"  give the aggregator the environment in {folder}/aggregator.env",
    ]
    for node, word in passwords.items():
        lines.append(f"  password of node {node}: {word}")
        lines.append(
            f"    in a file on the node, for deploy/edge/install.sh --name {node} --password-file FILE"
        )
    lines.append(f"  more nodes: mosquitto_passwd {folder}/passwords NAME, then reload mosquitto")
    return "\n".join(lines)
