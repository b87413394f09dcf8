"""From mouth to ear between two nodes: what `edge-agent talk` tells, by codec, packet length and loss.

    python -m benchmarks.voice_delay [--seconds 10] [--voice FILE]

Nodes are agents of their own, with a broker and the relay, all on this machine; they play into files at a
loudspeaker's pace, with 40 ms between taking and playing a sample. Loss is made by the relay. The delay is
the one that is shown to the speaker: by one clock, with the way back of the report in it.
"""

import argparse
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from aggregator.domain.talking import NODES
from contract.audio import RATE_HZ
from contract.record import Record
from contract.topics import TALK, Topic
from tests.broker import Mosquitto
from tests.system.voice_fleet import Relay, TalkingNode, a_voice, loud_seconds
from tests.waiting import wait_until

CASES = (
    ("opus", 20, 0.0), ("opus", 40, 0.0), ("opus", 20, 0.05), ("opus", 20, 0.1),
    ("15k", 20, 0.0), ("15k", 40, 0.0), ("15k", 20, 0.05), ("15k", 20, 0.1), ("8k", 60, 0.0),
)  # fmt: skip


class Lossy:
    """Loses some of the sound on its way."""

    def __init__(self, line: Any) -> None:
        self._line, self.loss, self._chance = line, 0.0, random.Random(1)

    def send(self, node: str, topic: Topic, record: Record) -> None:
        """Hand it over, or do not."""
        if topic != TALK or self._chance.random() >= self.loss:
            self._line.send(node, topic, record)


def main() -> None:
    """Set everything up, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--voice", type=Path, help="a recording to speak instead of a made-up voice")
    parser.add_argument("--bundle", type=Path, default=Path("models/keywords.bundle"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(folder)
        broker.start()
        nodes = [TalkingNode(folder, node, broker, chosen.bundle) for node in ("attic", "hall")]
        voice = chosen.voice or folder / "voice.wav"
        if chosen.voice is None:
            soundfile.write(voice, a_voice(chosen.seconds), RATE_HZ)
        try:
            with Relay(folder, broker) as relay:
                relay.talk.line = lossy = Lossy(relay.talk.line)
                for node in nodes:
                    node.start()
                wait_until(lambda: all(relay.knows(node.name) for node in nodes), "the nodes come", 90)
                relay.talk.allow("hall", NODES, "benchmark")
                for codec, packet_ms, loss in CASES:
                    lossy.loss = loss
                    nodes[1].forget()
                    measure(nodes[0], nodes[1], voice, codec, packet_ms, loss)
        finally:
            for node in nodes:
                node.stop()
            broker.stop()


def measure(
    speaker: TalkingNode, ear: TalkingNode, voice: Path, codec: str, packet_ms: int, loss: float
) -> None:
    """One turn."""
    said = speaker.said("hall", voice, "--codec", codec, "--packet-ms", str(packet_ms))
    heard = said["heard"]
    assert heard["played"], said
    total = heard["played"] + heard["lost"]
    told = {
        "codec": codec, "packet_ms": packet_ms, "loss": loss, "delay_ms": said["delay_ms"],
        "lost_percent": round(100 * heard["lost"] / max(1, total), 2), "dry": heard["dry"],
        "late": heard["late"], "dropped": said["dropped"], "payload_kbps": said["payload_kbps"],
        "loud_s": round(loud_seconds(np.asarray(ear.heard())), 2),
    }  # fmt: skip
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
