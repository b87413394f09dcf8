"""``edge-agent enroll``: makes a key, shows the token to the fleet's aggregator alone, keeps what comes."""

import hashlib
import sys
import time
from typing import Final
from urllib.parse import urlsplit

from contract import enrolment as wire
from contract.enrolment import Enrol, Granted, Token
from edge_agent.enrolment import asking
from edge_agent.enrolment.files import EnrolmentFiles
from edge_agent.errors import EnrolmentError
from edge_agent.settings.enrolled import Enrolled, folder_in
from edge_agent.settings.values import Settings

_TOKEN_LIMIT: Final = 1000


def enroll(settings: Settings, url: str, written: str, *, trust_system: bool) -> int:
    """Join, and say as whom; the exit status. The token is read from standard input if it is ``-``."""
    token = wire.read_token(sys.stdin.readline(_TOKEN_LIMIT).strip() if written == "-" else written)
    files = EnrolmentFiles(folder_in(settings.node.state_path))
    record = join(files, url, token, trust_system=trust_system)
    until = time.strftime("%Y-%m-%d", time.localtime(record.not_after_s))
    told = (
        f"This node is {record.node} from now on. Its certificate is good until {until}, and renews itself.",
        f"The broker is {record.broker_host}:{record.broker_port}. All of it lies in {files.folder}.",
        "An agent that runs already must be started anew:",
        "  sudo systemctl restart soundpost-agent",
    )
    print("\n".join(told))  # noqa: T201
    return 0


def join(files: EnrolmentFiles, url: str, token: Token, *, trust_system: bool) -> Enrolled:
    """What the node is told; all of it is on the disk then. Whoever fails may do it again."""
    authority = asking.authority_of(url)
    if hashlib.sha256(authority).hexdigest() != token.fingerprint:
        raise EnrolmentError(f"{url} is not the aggregator of this token's fleet; nothing was told to it")
    context = asking.context_of(authority, trust_system=trust_system)
    key = files.next_key()
    asked = Enrol(secret=token.secret, request=wire.to_text(key.request()))
    granted = wire.read(Granted, asking.post(url, "enrol", wire.write(asked), context))
    key.check(granted, authority)
    root = wire.to_bytes(granted.ota_root) if granted.ota_root is not None else None
    files.keep_fleet(authority, root)
    files.keep_identity(key, granted)
    record = Enrolled(
        url=url, node=granted.node, generation=granted.generation, site=granted.site, tags=granted.tags,
        broker_host=granted.broker_host or (urlsplit(url).hostname or ""), broker_port=granted.broker_port,
        namespace=granted.namespace, serial=granted.serial, not_before_s=granted.not_before_s,
        not_after_s=granted.not_after_s, confirmed=True, trust_system=trust_system,
    )  # fmt: skip
    files.keep_record(record)
    files.forget_next_key()
    return record
