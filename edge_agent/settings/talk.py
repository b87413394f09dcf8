"""The settings of the voice link. Frozen values; nothing is read here."""

# ruff: noqa: RUF009  (``setting`` only makes a field; it is not a default computed once)

from dataclasses import dataclass
from pathlib import Path

from contract.errors import ContractError
from edge_agent.settings.fields import PATH, TRUTH, USB_ID, Section, choice, number, setting, string


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkSettings(Section):
    """Whether people may talk through its loudspeaker."""

    allowed: bool = setting(
        TRUTH, "whether people at the aggregator, or at other nodes, may be heard here", default=False
    )
    output: str = setting(
        choice("loudspeaker", "file", "nowhere"), "what plays them: a sound card; a WAV file (path); nothing",
        default="loudspeaker",
    )  # fmt: skip
    device: str = setting(string(), "part of the sound card's name; empty: the system's default", default="")
    usb_id: str = setting(USB_ID, "USB id of the sound card, vendor:product, as in 0d8c:0014", default="")
    volume: float = setting(number(0, 1), "how loud, of what the sound card can", default=1.0)
    path: Path | None = setting(PATH, "the file, for output file; turns are added at its end", default=None)

    def __post_init__(self) -> None:
        super(TalkSettings, self).__post_init__()
        if self.output == "file" and self.path is None:
            raise ContractError("path: needed with output file")
