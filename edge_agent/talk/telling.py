"""How it went, in words for people and as JSON for programs."""

from dataclasses import asdict
from statistics import median
from typing import Any

from edge_agent.talk.turn import Said


def arrival(said: Said) -> str:
    """How what is said arrives, in a line."""
    heard = said.heard
    if heard is None:
        return f"{said.to} has not told yet what it hears"
    if heard.refused:
        return f"{said.to} plays nothing: {heard.refused}"
    delay = f"{said.delays_ms[-1]} ms" if said.delays_ms else "–"
    return f"{said.to} hears you: delay at most {delay}, lost {heard.lost_percent:.1f} %"


def summary(said: Said) -> str:
    """The whole turn, in a line."""
    return f"{arrival(said)}; {_seconds(said):.1f} s in {said.codec}, {_kbps(said):.1f} kbps of payload"


def as_plain(said: Said) -> dict[str, Any]:
    """The same for programs."""
    return {
        "to": said.to, "codec": said.codec, "packet_ms": said.packet_ms, "sent": said.sent,
        "dropped": said.dropped, "payload_kbps": round(_kbps(said), 2), "over": said.over,
        "delay_ms": median(said.delays_ms) if said.delays_ms else None,
        "heard": asdict(said.heard) if said.heard is not None else None,
    }  # fmt: skip


def _seconds(said: Said) -> float:
    return (said.sent + said.dropped) * said.packet_ms / 1000


def _kbps(said: Said) -> float:
    return said.payload_bytes * 8 / 1000 / max(_seconds(said), 1e-3)
