"""A configuration with TLS and a certificate for each client."""

from pathlib import Path
from typing import Final

from aggregator.broker_files.passwords import Plan
from aggregator.broker_files.rules import AGGREGATOR, LIMITS, access_rules
from aggregator.services.authority import AuthorityService
from aggregator.services.broker_place import BrokerPlace

CONFIGURATION: Final = f"""\
# mosquitto 2.0 or later; written by `aggregator broker config`. A client is known by its certificate alone:
# the common name is its user name. `aggregator broker refresh` keeps acl, broker.pem, revoked.crl up to date.

# For nodes. The name is the client id as well: nobody can take another's connection over.
listener {{port}} {{bind}}
{{tls}}use_username_as_clientid true

# For the aggregator, which has several connections and names them itself. Nodes need not reach this.
listener {{inner_port}} {{inner_bind}}
{{tls}}
allow_anonymous false
acl_file {{folder}}/acl
pid_file {{folder}}/mosquitto.pid

{LIMITS}"""

_TLS: Final = """\
cafile {folder}/authority.crt
certfile {folder}/broker.pem
keyfile {folder}/broker.pem
crlfile {folder}/revoked.crl
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
"""

_ENVIRONMENT: Final = """\
SOUNDPOST_AGGREGATOR_BROKER_HOST={host}
SOUNDPOST_AGGREGATOR_BROKER_PORT={port}
SOUNDPOST_AGGREGATOR_BROKER_TLS=true
SOUNDPOST_AGGREGATOR_BROKER_CA_FILE={authority}
SOUNDPOST_AGGREGATOR_BROKER_CERTIFICATE_FILE={own}
SOUNDPOST_AGGREGATOR_BROKER_KEY_FILE={own}
"""
_EVERY: Final = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to


def plan(
    place: BrokerPlace, authority: AuthorityService, *, bind: str, inner_bind: str, namespace: str
) -> Plan:
    """A configuration by which nodes and aggregator sign in with certificates of ``authority``."""
    folder = Path(place.folder)
    inner_host = "127.0.0.1" if inner_bind in _EVERY else inner_bind
    files = {
        "mosquitto.conf": CONFIGURATION.format(
            folder=folder, port=place.port, bind=bind, inner_port=place.inner_port, inner_bind=inner_bind,
            tls=_TLS.format(folder=folder),
        ),
        **kept_current(place, authority, namespace),
        "aggregator.env": _ENVIRONMENT.format(
            host=inner_host, port=place.inner_port, authority=authority.certificate_path,
            own=authority.own(AGGREGATOR),
        ),
    }  # fmt: skip
    return Plan(files=files, advice=_advice(folder, place))


def kept_current(place: BrokerPlace, authority: AuthorityService, namespace: str) -> dict[str, str]:
    """Those of its files that change while it runs."""
    server = authority.server("broker", place.hosts)
    return {
        "acl": access_rules(namespace),
        "authority.crt": authority.authority().pem.decode(),
        "broker.pem": server.read_text(encoding="ascii"),
        "revoked.crl": authority.list_path.read_text(encoding="ascii"),
    }


def _advice(folder: Path, place: BrokerPlace) -> str:
    return "\n".join(
        [
            f"Written to {folder}. Next:",
            f"  mosquitto -c {folder}/mosquitto.conf      (the folder must belong to the user it runs as)",
            f"  give the aggregator the environment in {folder}/aggregator.env",
            f"  nodes connect to {place.hosts[0]}:{place.port}; let one in: aggregator node add NAME",
            "  afterwards: aggregator broker check",
        ]
    )
