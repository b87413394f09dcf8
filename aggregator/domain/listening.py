"""What may be listened to, and how. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contract.live import CODECS, OPUS, PACKETS_MS

OFF: Final = "off"
FEATURES: Final = "features"
SOUND: Final = "sound"
LEVELS: Final = (OFF, FEATURES, SOUND)
"""What an operator allows of a node: nothing, sound made again from features, or also the sound itself."""

DEFAULT_CODEC: Final = "15k"
DEFAULT_PACKET_MS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How sound comes."""

    codec: str = DEFAULT_CODEC
    packet_ms: int = DEFAULT_PACKET_MS

    @property
    def known(self) -> bool:
        """Whether nodes know it."""
        return self.codec in CODECS and self.packet_ms in PACKETS_MS


def allowed(level: str, offered: Sequence[str]) -> tuple[str, ...]:
    """The codecs in which a node may be listened to, by what is allowed of it and what it offers.

    >>> allowed("features", ["15k", "opus"])
    ('15k',)
    """
    if level == OFF:
        return ()
    return tuple(codec for codec in CODECS if codec in offered and (codec != OPUS or level == SOUND))


def refusal(node: str, level: str, offered: Sequence[str], codec: str) -> str:
    """Why ``node`` may not be listened to so; empty if it may."""
    if not offered:
        return f"the owner of {node} does not let it be listened to: [live] listening in its agent.toml"
    if level == OFF:
        return f"nobody may listen to {node} until that is allowed on its page"
    if codec == OPUS and level != SOUND:
        return f"of {node} only sound made again from features may be listened to"
    if codec not in offered:
        return f"{node} does not offer {codec}"
    return ""
