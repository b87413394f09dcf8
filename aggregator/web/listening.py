"""Listening to a node now: the page, its sound through a WebSocket, a stream for players, and who may."""

import struct
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_sock import Sock

from aggregator.domain.listening import DEFAULT_CODEC, DEFAULT_PACKET_MS, Quality
from aggregator.domain.roles import Permission
from aggregator.errors import AggregatorError
from aggregator.services.catalogue import Services
from aggregator.services.live_files import wav_header
from aggregator.services.live_gapless import gapless
from aggregator.services.live_sound import Heard
from aggregator.services.live_streams import Ear
from aggregator.web import credentials
from aggregator.web.access import needs, person
from aggregator.web.colours import palette
from aggregator.web.formats import sentence
from aggregator.web.sockets import say
from contract.live import PACKETS_MS

FIGURES_S: Final = 1.0
_LOOK_S: Final = 0.25
_QUIET: Final = 1
_HEADER: Final = struct.Struct("<dfII")
"""Position of the first sample, age of the last one in seconds, samples made up, flags; then int16."""


def pages(services: Services) -> Blueprint:
    """The routes."""
    routes = Blueprint("listening", __name__)
    sock = Sock()
    listening = services.listening

    @routes.get("/nodes/<name>/listen")
    @needs(Permission.LISTEN)
    def page(name: str) -> ResponseReturnValue:
        view = listening.node(name)
        if view.codecs:
            listening.expect()
        return render_template(
            "listening.html",
            view=view,
            talk=services.talk.node(name),
            packets_ms=PACKETS_MS,
            chosen=Quality(),
            palette="".join(bytes(colour).hex() for colour in palette()),
        )

    @routes.post("/nodes/<name>/listening")
    @needs(Permission.NODES)
    def allow(name: str) -> ResponseReturnValue:
        listening.allow(name, request.form.get("level", ""), person().name)
        flash(f"What may be listened to of {name} has been changed.")
        return redirect(url_for("node.page", name=name))

    @sock.route("/nodes/<name>/sound", bp=routes)  # type: ignore[untyped-decorator]
    @needs(Permission.LISTEN)
    def sound(line: Any, name: str) -> None:
        quality = _quality()
        may = _may(services, name, quality)
        try:
            with listening.listen(name, quality, person().name) as ear:
                _converse(line, ear, may)
            say(line, ended="You may no longer listen to this node, or the dashboard is stopping.")
        except AggregatorError as error:
            say(line, ended=sentence(error))

    @routes.get("/api/v1/nodes/<name>/stream.wav")
    @routes.get("/nodes/<name>/stream.wav")
    @needs(Permission.LISTEN)
    def stream(name: str) -> ResponseReturnValue:
        quality = _quality()
        may = _may(services, name, quality)
        opened = listening.listen(name, quality, person().name)
        ear = opened.__enter__()  # refused before the answer begins, if it is
        response = Response(_wav(ear, may), mimetype="audio/wav", headers={"X-Accel-Buffering": "no"})
        response.call_on_close(lambda: opened.__exit__(None, None, None))
        return response

    return routes


def _may(services: Services, name: str, quality: Quality) -> Callable[[], bool]:
    """Whether whoever asks may still listen, and the node still be listened to."""
    person_may = credentials.still(services, Permission.LISTEN)
    node_may = services.listening.still(name, quality)
    return lambda: person_may() and node_may()


def _quality() -> Quality:
    packet_ms = request.args.get("packet_ms", str(DEFAULT_PACKET_MS))
    return Quality(
        codec=request.args.get("codec", DEFAULT_CODEC),
        packet_ms=int(packet_ms) if packet_ms.isdecimal() else 0,
    )


def _converse(line: Any, ear: Ear, may: Callable[[], bool]) -> None:
    """Sound as it comes, figures now and then, and an answer to each question for the time."""
    figures_s = 0.0
    while not ear.closed and may():
        heard = ear.next(_LOOK_S)
        if heard is not None:
            line.send(_packed(heard))
        while (asked := line.receive(timeout=0)) is not None:
            say(line, echo=str(asked)[:40])
        if time.monotonic() - figures_s >= FIGURES_S:
            figures_s = time.monotonic()
            rates = ear.rates
            say(
                line, payload_bps=round(rates.payload_bps), wire_bps=round(rates.wire_bps),
                lost=round(rates.lost, 4), node_s=rates.delay_s, listeners=ear.listeners, missed=ear.missed,
            )  # fmt: skip


def _packed(heard: Heard) -> bytes:
    age_s = time.time() - heard.captured_s
    header = _HEADER.pack(heard.position, age_s, heard.concealed, _QUIET if heard.quiet else 0)
    return header + heard.samples.astype("<i2").tobytes()


def _wav(ear: Ear, may: Callable[[], bool]) -> Iterator[bytes]:
    yield wav_header()
    for samples in takewhile(lambda _: may(), gapless(ear)):
        yield samples.astype("<i2").tobytes()
