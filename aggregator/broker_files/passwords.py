"""A configuration with passwords and without TLS, for a network that is trusted."""

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aggregator.broker_files.rules import AGGREGATOR, LIMITS, access_rules
from aggregator.errors import SettingsError
from contract.checks import NAME

HASH_ROUNDS: Final = 101

CONFIGURATION: Final = f"""\
# mosquitto 2.0 or later; written by `aggregator broker config --plain`.
# Nothing is encrypted here, and passwords can be read on the way: for a network that you trust.
listener {{port}} {{bind}}

# With certificates of your own it is encrypted; put them here and remove the marks.
#cafile {{folder}}/ca.crt
#certfile {{folder}}/broker.crt
#keyfile {{folder}}/broker.key
#tls_version tlsv1.2

allow_anonymous false
password_file {{folder}}/passwords
acl_file {{folder}}/acl

{LIMITS}"""


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
        "mosquitto.conf": CONFIGURATION.format(port=port, bind=bind, folder=folder),
        "acl": access_rules(namespace),
        "passwords": "".join(f"{user}:{hashed(word)}\n" for user, word in passwords.items()),
        "aggregator.env": f"SOUNDPOST_AGGREGATOR_BROKER_USERNAME={AGGREGATOR}\n"
        f"SOUNDPOST_AGGREGATOR_BROKER_PASSWORD={passwords[AGGREGATOR]}\n",
    }
    return Plan(files=files, advice=_advice(folder, {node: passwords[node] for node in nodes}))


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
