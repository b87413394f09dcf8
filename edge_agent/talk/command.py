"""Push to talk: from a terminal and a microphone, or a whole recording."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.codec.speech import codecs_here
from edge_agent.capture import PROMPT_BLOCK_S, Block, Ended, Listener, make_source
from edge_agent.errors import CaptureError, TalkError
from edge_agent.mqtt.voice_line import VoiceLine
from edge_agent.outbox import in_use
from edge_agent.settings import InputSettings, Settings
from edge_agent.talk.keys import LEAVE, TALK, Keys
from edge_agent.talk.telling import arrival, as_plain, summary
from edge_agent.talk.turn import Line, OwnTurn, Said

_LOOK_S: Final = 0.1
_HELP: Final = "Space: talk, and again to end. q: leave."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for on the command line."""

    to: str
    recording: Path | None
    codec: str
    """Of ``contract.live``, or ``best``."""
    packet_ms: int
    as_json: bool

    def turn(self, line: Line) -> OwnTurn:
        """Ask for it; ``TalkError`` if it is refused."""
        codecs = codecs_here() if self.codec == "best" else (self.codec,)
        return OwnTurn(line, self.to, codecs, self.packet_ms)

    def tell(self, said: Said) -> int:
        """Print what became of a turn; 0, or 1 if nothing of it was heard."""
        if self.as_json:
            print(json.dumps(as_plain(said)), flush=True)  # noqa: T201
        else:
            _say(summary(said))
        if said.over:
            _say(said.over)
        return 0 if said.heard is not None and said.heard.played else 1


def talk(settings: Settings, wish: Wish) -> int:
    """The exit code: 0, or 1 if the other node has heard nothing of the last turn."""
    if not settings.broker.host:
        raise TalkError("there is no [broker] host")
    if settings.enrolled is not None and in_use(settings.outbox_path):
        # The certificate's name is the client id as well: the two would push each other out for ever.
        raise TalkError(
            "the broker of a fleet with certificates gives each node one connection, and the agent has it: "
            "stop the agent while you talk (systemctl stop soundpost-agent), or talk from the dashboard"
        )
    listener = Listener(make_source(_source(settings, wish), PROMPT_BLOCK_S), block_s=PROMPT_BLOCK_S)
    with VoiceLine(settings.broker, settings.node.name) as line:
        try:
            if wish.recording is not None:
                return wish.tell(_play(listener, wish.turn(line)))
            with Keys() as keys:
                return _push_to_talk(listener, keys, line, wish)
        finally:
            listener.stop()


def _source(settings: Settings, wish: Wish) -> InputSettings:
    if wish.recording is not None:
        return InputSettings(source="files", path=wish.recording)
    if settings.input.source != "microphone":
        raise TalkError("this node has no microphone ([input] source); give a recording with --in FILE")
    return settings.input


def _play(listener: Listener, turn: OwnTurn) -> Said:
    """All of it, at the pace at which it would be spoken."""
    listener.start()
    while not turn.over:
        item = listener.get(_LOOK_S)
        if isinstance(item, Ended):
            break
        if isinstance(item, Block):
            turn.say(item)
    return turn.end()


def _push_to_talk(listener: Listener, keys: Keys, line: Line, wish: Wish) -> int:
    _say(_HELP)
    listener.start()
    status = 0
    turn: OwnTurn | None = None
    while not (key := keys.pressed()) or key not in LEAVE:
        item = listener.get(_LOOK_S)
        if item is None and listener.problem:
            raise CaptureError(listener.problem)
        if turn is not None and (turn.over or (key and key in TALK)):
            status = wish.tell(turn.end())
            turn = None
        elif key and key in TALK:
            turn = _begin(line, wish)
            status = int(turn is None)
        elif turn is not None and isinstance(item, Block):
            _speak(turn, item)
    return wish.tell(turn.end()) if turn is not None else status


def _begin(line: Line, wish: Wish) -> OwnTurn | None:
    try:
        turn = wish.turn(line)
    except TalkError as error:
        _say(str(error))
        return None
    _say(f"talking to {wish.to} …")
    return turn


def _speak(turn: OwnTurn, block: Block) -> None:
    told = turn.said.heard
    turn.say(block)
    if turn.said.heard is not told:
        _say(arrival(turn.said))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
