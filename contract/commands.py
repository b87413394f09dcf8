"""What the aggregator tells nodes: commands, and the acknowledgement of what is stored."""

from dataclasses import dataclass
from typing import Final

from contract.checks import hexadecimal, one_of, optional, real, sequence_of, whole
from contract.errors import ContractError
from contract.messages import PUBLISH_POLICIES
from contract.record import Record, checked

SCHEMA: Final = 1
COMMANDS: Final = ("report", "set_publish")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Record):
    """Something to do, once, before it expires."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the command", default=SCHEMA)
    id: str = checked(hexadecimal(32), "a repeated command is known by it")
    issued_s: float = checked(real(0, 1e11), "seconds since 1970 by the aggregator's clock")
    expires_s: float = checked(real(0, 1e11), "not to be obeyed after this time")
    action: str = checked(one_of(*COMMANDS), "report: send birth and heartbeat now; set_publish: new policy")
    publish: str | None = checked(
        optional(one_of(*PUBLISH_POLICIES)), "the new policy, with set_publish", default=None
    )

    def __post_init__(self) -> None:
        super(Command, self).__post_init__()
        if (self.action == "set_publish") != (self.publish is not None):
            raise ContractError("publish: belongs to set_publish, and only there")


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement(Record):
    """Everything of one boot up to ``through`` is stored, quarantined or declared in a stored gap."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the acknowledgement", default=SCHEMA)
    boot: str = checked(hexadecimal(16), "the boot that the sequence counts in")
    through: int = checked(whole(0, 2**53), "all sequences up to and with this one")
    refused: tuple[int, ...] = checked(
        sequence_of(whole(1, 2**53), high=100),
        "sequences beyond it that were quarantined: no use in sending them again",
        default=(),
    )
