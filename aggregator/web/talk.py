"""Talking to a node: what a browser's microphone hears through a WebSocket, and who may."""

import math
import queue
import struct
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_sock import Sock

from aggregator.domain.roles import Permission
from aggregator.errors import AggregatorError, TalkError
from aggregator.services.catalogue import Services
from aggregator.services.talk import TalkService
from aggregator.services.talk_turns import LAST_WORD_S, Running
from aggregator.services.talk_voice import Voice
from aggregator.web import credentials
from aggregator.web.access import needs, person
from aggregator.web.formats import sentence
from aggregator.web.sockets import say
from contract.codec.speech import codecs_here
from contract.voice import Turn

PACKET_MS: Final = 20
_LOOK_S: Final = 0.05
_END: Final = "end"
_CAPTURED: Final = struct.Struct("<d")
"""When the last sample was captured, milliseconds since 1970 by the browser's clock; then int16 at 16 kHz."""

Told = queue.SimpleQueue[Turn]


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("talk", __name__)
    sock = Sock()
    talk = services.talk

    @routes.post("/nodes/<name>/talking")
    @needs(Permission.NODES)
    def allow(name: str) -> ResponseReturnValue:
        talk.allow(name, request.form.get("level", ""), person().name)
        flash(f"Who may talk to {name} has been changed.")
        return redirect(url_for("node.page", name=name))

    @sock.route("/nodes/<name>/talk", bp=routes)  # type: ignore[untyped-decorator]
    @needs(Permission.TALK)
    def speak(line: Any, name: str) -> None:
        told: Told = queue.SimpleQueue()
        may = credentials.still(services, Permission.TALK)
        try:
            turn = talk.begin(person().name, name, codecs_here(), PACKET_MS, told.put)
        except AggregatorError as error:
            say(line, ended=sentence(error))
            return
        try:
            say(line, begun={"codec": turn.codec, "packet_ms": turn.packet_ms})
            _hear(line, talk, turn, told, may)
            talk.end(turn)
            _last_words(line, told)
        finally:
            talk.end(turn)

    return routes


def _hear(line: Any, talk: TalkService, turn: Running, told: Told, may: Callable[[], bool]) -> None:
    """Pass on what is said until the speaker ends, or may not go on."""
    voice = Voice(talk, turn)
    while may() and (said := line.receive(timeout=_LOOK_S)) != _END:
        if isinstance(said, bytes) and not voice.say(*_read(said)):
            return
        while not told.empty():
            if _tell(line, told.get()):
                return


def _last_words(line: Any, told: Told) -> None:
    """What was heard of the end."""
    deadline_s = time.monotonic() + LAST_WORD_S + 1
    while (left_s := deadline_s - time.monotonic()) > 0:
        try:
            if _tell(line, told.get(timeout=left_s)):
                return
        except queue.Empty:
            return


def _tell(line: Any, turn: Turn) -> bool:
    """Whether that was the last of it."""
    heard = turn.heard
    if heard is not None:
        say(
            line, heard={
                "captured_ms": heard.captured_ms, "since_ms": heard.since_ms, "lost": heard.lost_percent,
                "waiting_ms": heard.waiting_ms, "played": heard.played, "dry": heard.dry,
            },
        )  # fmt: skip
    elif turn.state == "over":
        say(line, ended=sentence(turn.reason))
        return True
    return False


def _read(said: bytes) -> tuple[float, "np.ndarray[Any, np.dtype[np.int16]]"]:
    if len(said) < _CAPTURED.size or len(said) % 2:
        raise TalkError("this is no sound")
    (captured_ms,) = _CAPTURED.unpack_from(said)
    pcm = np.frombuffer(said, "<i2", offset=_CAPTURED.size)
    return captured_ms if math.isfinite(captured_ms) else 0.0, pcm
