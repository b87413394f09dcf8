"""Bytes to values and back. Strict: size first, then shape, types, ranges; one error, ``WireError``.

Small messages are JSON, so that people can read them with any MQTT client; features are CBOR (RFC 8949);
packets of sound are packed (``contract.live``).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import cbor2

from contract.checks import hexadecimal, whole
from contract.commands import Acknowledgement, Command
from contract.errors import ContractError, WireError
from contract.live import SoundPacket
from contract.messages import Birth, Detection, Features, Gap, Heartbeat, State
from contract.record import Record
from contract.topics import (
    ACKNOWLEDGEMENT,
    BIRTH,
    CALL,
    COMMAND,
    DESIRED,
    DETECTION,
    DISAGREEMENT,
    FEATURES,
    FETCH,
    GAP,
    HEARD,
    HEARTBEAT,
    LIVE,
    PIECE,
    SHADOW,
    SOUND,
    STATE,
    TALK,
    TURN,
    UPDATE,
    VOICE,
    Topic,
)
from contract.updates import Desired, Disagreement, Fetch, Piece, Shadow, Update
from contract.voice import Call, Heard, Turn

RECORDS: Final[Mapping[str, type[Record]]] = {
    BIRTH.kind: Birth,
    STATE.kind: State,
    HEARTBEAT.kind: Heartbeat,
    DETECTION.kind: Detection,
    FEATURES.kind: Features,
    GAP.kind: Gap,
    COMMAND.kind: Command,
    ACKNOWLEDGEMENT.kind: Acknowledgement,
    DESIRED.kind: Desired,
    UPDATE.kind: Update,
    DISAGREEMENT.kind: Disagreement,
    SHADOW.kind: Shadow,
    FETCH.kind: Fetch,
    PIECE.kind: Piece,
    LIVE.kind: SoundPacket,
    VOICE.kind: SoundPacket,
    TALK.kind: SoundPacket,
    CALL.kind: Call,
    TURN.kind: Turn,
    HEARD.kind: Heard,
}
BINARY_KINDS: Final = frozenset({FEATURES.kind, PIECE.kind})
PACKED_KINDS: Final = frozenset(topic.kind for topic in SOUND)

R = TypeVar("R", bound=Record)


def encode(topic: Topic, record: Record) -> bytes:
    """The bytes of ``record``; ``WireError`` if they would be too many for ``topic``."""
    if isinstance(record, SoundPacket):
        content = record.to_bytes()
    elif topic.kind in BINARY_KINDS:
        content = cbor2.dumps(record.to_plain())
    else:
        plain = record.to_plain()
        content = json.dumps(plain, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    _require_size(topic, content)
    return content


def decode(topic: Topic, content: bytes) -> Record:
    """The record that ``content`` holds; ``WireError`` says why if it holds none. Nothing else is raised."""
    try:
        if topic.kind in PACKED_KINDS:
            return _packed(topic, content)
        return RECORDS[topic.kind].from_plain(_plain(topic, content, _strict_json))
    except WireError:
        raise
    except ContractError as error:
        raise WireError(f"{topic.kind}: {error}") from error


def decode_as(kind: type[R], topic: Topic, content: bytes) -> R:
    """``decode`` for a caller that knows which record the topic carries."""
    record = decode(topic, content)
    if not isinstance(record, kind):
        raise WireError(f"{topic.kind}: does not carry {kind.__name__}")
    return record


def identity(topic: Topic, content: bytes) -> tuple[str, int] | None:
    """Boot and sequence of a message that ``decode`` refused, if at least these can be read.

    With them a quarantined message still counts as received, and its node does not send it for ever. So
    this is more lenient than ``decode``: a field that is not a number does not hide the others.
    """
    if topic.kind in PACKED_KINDS:
        return None
    try:
        plain = _plain(topic, content, _lenient_json)
        boot = hexadecimal(16)("boot", plain.get("boot"))
        sequence = whole(1, 2**53)("sequence", plain.get("sequence"))
    except ContractError:
        return None
    return boot, sequence


def _packed(topic: Topic, content: bytes) -> SoundPacket:
    _require_size(topic, content)
    return SoundPacket.from_bytes(content)


def _plain(topic: Topic, content: bytes, parse_json: Callable[[bytes], Any]) -> dict[Any, Any]:
    _require_size(topic, content)
    plain = _cbor(content) if topic.kind in BINARY_KINDS else parse_json(content)
    if not isinstance(plain, dict):
        raise WireError(f"{topic.kind}: expected a map, got {type(plain).__name__}")
    return plain


def _require_size(topic: Topic, content: bytes) -> None:
    if len(content) > topic.limit_bytes:
        raise WireError(f"{topic.kind}: {len(content)} bytes, more than {topic.limit_bytes}")


def _strict_json(content: bytes) -> Any:
    return _json(content, parse_constant=_refuse_constant, object_pairs_hook=_no_twins)


def _lenient_json(content: bytes) -> Any:
    return _json(content)


def _json(content: bytes, **hooks: Any) -> Any:
    try:
        return json.loads(content.decode("utf-8"), **hooks)
    except WireError:
        raise
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {str(error)[:200]}") from error


def _cbor(content: bytes) -> Any:
    try:
        return cbor2.loads(content)
    # The codec turns tags into objects of many kinds, and hostile ones raise many kinds of exceptions.
    except Exception as error:
        raise WireError(f"not CBOR: {str(error)[:200] or type(error).__name__}") from error


def _refuse_constant(word: str) -> Any:
    raise WireError(f"not JSON: {word} is not a number")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        raise WireError("not JSON: a field stands twice")
    return plain
