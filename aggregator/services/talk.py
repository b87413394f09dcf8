"""Who talks to whom: permission, turns, relay and record. Sound is passed on as it comes, and never kept."""

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from aggregator.domain.talking import LEVELS, OFF, chosen, refusal
from aggregator.errors import AggregatorError, TalkError
from aggregator.services.allowances import allow, allowance
from aggregator.services.audit import enter
from aggregator.services.talk_turns import Running, Turns
from aggregator.store.allowances import TALKING
from aggregator.store.database import Database
from contract.live import SoundPacket
from contract.record import Record
from contract.topics import TALK, TURN, Topic
from contract.voice import Call, Heard, Turn

_log = logging.getLogger(__name__)


class Line(Protocol):
    """The connection to nodes."""

    def send(self, node: str, topic: Topic, record: Record) -> None:
        """Hand it over; from any thread. Whoever is not connected does not get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkView:
    """Whether a node may be talked to."""

    node: str
    online: bool
    level: str
    """What is allowed on the dashboard: one of ``domain.talking.LEVELS``."""
    understood: tuple[str, ...]
    """Codecs in which its owner lets people talk through it."""
    changed_s: float | None
    changed_by: str | None

    @property
    def refusal(self) -> str:
        """Why nobody here may talk to it; empty if somebody may."""
        return refusal(self.node, self.level, self.understood, online=self.online, from_node=None)


class TalkService:
    """Safe for use by many threads. ``look`` is to be called often."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.time) -> None:
        self._database, self._now = database, now
        self._lock = threading.Lock()
        self._turns = Turns()
        self.line: Line | None = None
        """Set before anything is called that talks."""

    @property
    def busy(self) -> bool:
        """Whether somebody talks."""
        return self._turns.any

    def node(self, name: str) -> TalkView:
        """What is allowed of a node; ``UnknownNodeError`` if it was never heard."""
        return _view(name, allowance(self._database, name, TALKING))

    def allow(self, name: str, level: str, who: str) -> None:
        """Allow it, or no longer; whoever talks to it beyond that is cut off."""
        if level not in LEVELS:
            raise TalkError(f"what is allowed must be one of {', '.join(LEVELS)}")
        allow(self._database, name, TALKING, level, who, self._now())
        view = self.node(name)
        for turn in self._turns.running():
            if turn.to == name and _refused(view, turn.from_node):
                self._end(turn, "it is no longer allowed")

    def begin(
        self, who: str, to: str, codecs: Sequence[str], packet_ms: int, tell: Callable[[Turn], None],
        *, from_node: str | None = None, session: str = "",
    ) -> Running:  # fmt: skip
        """The turn, recorded, and made known to the node that plays it. ``tell`` is called from any thread.

        Raises ``TalkError`` or ``UnknownNodeError``.
        """
        view = self.node(to)
        if reason := _refused(view, from_node):
            raise TalkError(reason)
        codec = chosen(codecs, view.understood)
        if not codec:
            raise TalkError(f"{to} understands {', '.join(view.understood)}, and none of {', '.join(codecs)}")
        now_s = time.monotonic()
        turn = Running(
            session=session or secrets.token_hex(4), who=who, to=to, from_node=from_node, codec=codec,
            packet_ms=packet_ms, tell=tell, begun_s=now_s, said_s=now_s,
        )  # fmt: skip
        with self._lock:
            if reason := self._turns.begin(turn, now_s):
                raise TalkError(reason)
        try:
            self._record(turn, "talk", {})
        except AggregatorError:
            with self._lock:
                self._turns.end(turn, now_s)
            raise
        turn.said_s = time.monotonic()
        self._send(to, TURN, _told(turn, "theirs", peer=who))
        return turn

    def say(self, turn: Running, packet: SoundPacket) -> bool:
        """Pass it on; whether the turn goes on."""
        with self._lock:
            goes_on = self._turns.say(turn, len(packet.payload), time.monotonic())
        if goes_on:
            self._send(turn.to, TALK, packet)
        return goes_on

    def end(self, turn: Running) -> None:
        """Its speaker has ended."""
        self._end(turn, "")

    def call(self, node: str, call: Call) -> None:
        """Somebody at a node wants to talk, or has ended."""
        if call.action == "end":
            turn = self._turns.of(call.session)
            if turn is not None and turn.from_node == node:
                self._end(turn, "")
            return

        def tell(turn: Turn) -> None:
            self._send(node, TURN, turn)

        try:
            turn = self.begin(
                f"node {node}", call.to or "", call.codecs, call.packet_ms or 0, tell,
                from_node=node, session=call.session,
            )  # fmt: skip
        except AggregatorError as error:
            tell(Turn(session=call.session, state="refused", peer=call.to or "", reason=str(error)[:200]))
            return
        tell(_told(turn, "yours", peer=turn.to))

    def packet(self, node: str, packet: SoundPacket) -> None:
        """Sound from a node: passed on if it is its turn."""
        turn = self._turns.of(packet.session)
        if turn is not None and turn.from_node == node and turn.codec == packet.codec:
            self.say(turn, packet)

    def heard(self, node: str, heard: Heard) -> None:
        """How a turn arrives at the node that plays it."""
        turn = self._turns.of(heard.session)
        if turn is None or turn.to != node:
            return
        with self._lock:
            self._turns.hear(turn, heard)
        turn.tell(Turn(session=turn.session, state="heard", peer=turn.to, heard=heard))
        if heard.ended:
            self._end(turn, heard.refused and f"{node}: {heard.refused}")

    def look(self) -> None:
        """End what is silent, and let go of what is over."""
        now_s = time.monotonic()
        with self._lock:
            silent = self._turns.silent(now_s)
        for turn in silent:
            self._end(turn, "nothing was said any more")
        with self._lock:
            over = self._turns.take_over(now_s)
        for turn in over:
            try:
                self._record(turn, "talked", _figures(turn))
            except AggregatorError as error:
                _log.error("who talked to %s cannot be recorded: %s", turn.to, error)
            turn.tell(Turn(session=turn.session, state="over", peer=turn.to, reason=turn.reason[:200]))

    def close(self) -> None:
        """Nobody talks any more."""
        for turn in self._turns.running():
            self._end(turn, "the dashboard is stopping")

    def _end(self, turn: Running, reason: str) -> None:
        with self._lock:
            news = self._turns.end(turn, time.monotonic(), reason)
        if news:
            self._send(turn.to, TURN, Turn(session=turn.session, state="over", peer=turn.who[:100]))

    def _send(self, node: str, topic: Topic, record: Record) -> None:
        if self.line is not None:
            self.line.send(node, topic, record)

    def _record(self, turn: Running, action: str, more: dict[str, Any]) -> None:
        details = {"node": turn.to, "codec": turn.codec, "session": turn.session} | more
        with self._database.write() as connection:
            enter(connection, turn.who, action, details, self._now())


def _refused(view: TalkView, from_node: str | None) -> str:
    return refusal(view.node, view.level, view.understood, online=view.online, from_node=from_node)


def _told(turn: Running, state: str, *, peer: str) -> Turn:
    told = Turn(session=turn.session, state=state, codec=turn.codec, packet_ms=turn.packet_ms)
    return replace(told, peer=peer[:100])


def _figures(turn: Running) -> dict[str, Any]:
    heard = turn.heard
    seconds = round((turn.ended_s or turn.said_s) - turn.begun_s, 1)
    return {"seconds": seconds, "packets": turn.packets} | (
        {"played": heard.played, "lost": heard.lost} if heard is not None else {}
    )


def _view(name: str, row: Any) -> TalkView:
    birth: dict[str, Any] = json.loads(row.birth) if row.birth else {}
    return TalkView(
        node=name,
        online=row.online,
        level=row.level or OFF,
        understood=tuple(birth.get("talking", ())),
        changed_s=row.changed_s,
        changed_by=row.changed_by,
    )
