"""What the aggregator tells nodes: commands, and the acknowledgement of what is stored."""

from dataclasses import dataclass
from typing import Any, Final

from contract.checks import hexadecimal, one_of, optional, real, sequence_of, whole
from contract.errors import ContractError
from contract.live import Listen
from contract.messages import PUBLISH_POLICIES
from contract.record import Record, checked, nested
from contract.sampling import Sampling

SCHEMA: Final = 1
COMMANDS: Final = ("report", "set_publish", "set_sampling", "listen", "renew_certificate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Record):
    """Something to do, once, before it expires."""

    schema: int = checked(whole(SCHEMA, SCHEMA), "version of the command", default=SCHEMA)
    id: str = checked(hexadecimal(32), "a repeated command is known by it")
    issued_s: float = checked(real(0, 1e11), "seconds since 1970 by the aggregator's clock")
    expires_s: float = checked(real(0, 1e11), "not to be obeyed after this time")
    action: str = checked(
        one_of(*COMMANDS),
        "report: send birth and heartbeat now; set_publish: new policy; set_sampling: what to learn from; "
        "listen: send what is heard now; renew_certificate: take a new key and certificate now",
    )
    publish: str | None = checked(
        optional(one_of(*PUBLISH_POLICIES)), "the new policy, with set_publish", default=None
    )
    sampling: Sampling | None = checked(  # noqa: RUF009 - only makes a field
        optional(nested(Sampling)), "all of what is then in force, with set_sampling", default=None
    )
    listen: Listen | None = checked(  # noqa: RUF009 - only makes a field
        optional(nested(Listen)), "how, and how long, with listen", default=None
    )

    def __post_init__(self) -> None:
        super(Command, self).__post_init__()
        if (self.action == "set_publish") != (self.publish is not None):
            raise ContractError("publish: belongs to set_publish, and only there")
        if (self.action == "set_sampling") != (self.sampling is not None):
            raise ContractError("sampling: belongs to set_sampling, and only there")
        if (self.action == "listen") != (self.listen is not None):
            raise ContractError("listen: belongs to listen, and only there")

    def to_plain(self) -> dict[str, Any]:
        """Without what belongs to other actions: agents before these obey theirs as ever."""
        plain = super(Command, self).to_plain()
        for name in ("sampling", "listen"):
            if plain[name] is None:
                del plain[name]
        return plain


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
