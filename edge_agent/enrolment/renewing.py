"""Takes a new key and certificate in the place of the present one. Runs as a child process of the agent.

At every moment there is one key on the node that the aggregator believes: the present one counts until the
node has confirmed the new one.
"""

import sys
from dataclasses import replace
from pathlib import Path

from contract import enrolment as wire
from contract.enrolment import Confirm, Granted, Renew
from contract.errors import ContractError
from edge_agent.enrolment import asking
from edge_agent.enrolment.files import EnrolmentFiles
from edge_agent.errors import EdgeError, EnrolmentError
from edge_agent.settings.enrolled import Enrolled


def renew(files: EnrolmentFiles) -> Enrolled:
    """What is then on the disk, confirmed. Whoever fails may do it again."""
    record = _record(files)
    if not record.confirmed:
        confirm(files)
    key, serial = files.identity()
    if (new := files.next_key()).is_same(key):  # the power went before it was forgotten
        files.forget_next_key()
        new = files.next_key()
    request = wire.to_text(new.request())
    signature = wire.to_text(key.sign(wire.renewal(serial, request)))
    asked = Renew(serial=serial, request=request, signature=signature)
    context = asking.context_of(files.authority(), trust_system=record.trust_system)
    granted = wire.read(Granted, asking.post(record.url, "renew", wire.write(asked), context))
    new.check(granted, files.authority())
    files.keep_identity(new, granted)
    if granted.ota_root is not None:  # the operator may have made keys since the node joined
        files.keep_first_root(wire.to_bytes(granted.ota_root))
    files.keep_record(
        replace(
            record, serial=granted.serial, not_before_s=granted.not_before_s,
            not_after_s=granted.not_after_s, confirmed=False,
        )
    )  # fmt: skip
    files.forget_next_key()
    return confirm(files)


def confirm(files: EnrolmentFiles) -> Enrolled:
    """Tell the aggregator that the present certificate lies here: those before it end."""
    record = _record(files)
    key, serial = files.identity()
    asked = Confirm(serial=serial, signature=wire.to_text(key.sign(wire.confirmation(serial))))
    context = asking.context_of(files.authority(), trust_system=record.trust_system)
    asking.post(record.url, "confirm", wire.write(asked), context)
    confirmed = replace(record, serial=serial, confirmed=True)
    files.keep_record(confirmed)
    return confirmed


def _record(files: EnrolmentFiles) -> Enrolled:
    record = files.record()
    if record is None:
        raise EnrolmentError("this node has not joined a fleet: edge-agent enroll URL TOKEN")
    return record


def main(folder: str, task: str) -> int:
    """Do it; what is wrong stands on standard error."""
    files = EnrolmentFiles(Path(folder))
    try:
        renew(files) if task == "renew" else confirm(files)
    except (EdgeError, ContractError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
