"""What a person here says, as packets: encoded by the dashboard, for browsers know no codec of ours."""

import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.services.talk import TalkService
from aggregator.services.talk_turns import Running
from contract.audio import RATE_HZ
from contract.codec.speech import SpeechEncoder
from contract.live import SEQUENCES, SoundPacket

AHEAD_S: Final = 1.0
"""Nobody speaks faster than time goes; so much more may come at once, after a line was stuck."""


class Voice:
    """One turn of somebody here."""

    def __init__(self, service: TalkService, turn: Running) -> None:
        """``CodecError`` if the codec is not installed."""
        self._service, self._turn = service, turn
        self._encoder = SpeechEncoder(turn.codec, turn.packet_ms)
        self._sequence = 0
        self._begun_s = time.monotonic()
        self._said_samples = 0

    def say(self, captured_ms: float, pcm: NDArray[np.int16]) -> bool:
        """More sound, (n,) at 16 kHz, the last of it captured at ``captured_ms`` by the speaker's clock.

        Whether the turn goes on.
        """
        if self._said_samples > (time.monotonic() - self._begun_s + AHEAD_S) * RATE_HZ:
            return True
        self._said_samples += len(pcm)
        packets = self._encoder.push(pcm)
        behind_ms = self._encoder.waiting * 1000 / RATE_HZ + (len(packets) - 1) * self._turn.packet_ms
        for payload in packets:
            packet = SoundPacket(
                session=self._turn.session, codec=self._turn.codec, sequence=self._sequence,
                captured_ms=min(2**48 - 1, max(0, round(captured_ms - behind_ms))), payload=payload,
            )  # fmt: skip
            behind_ms -= self._turn.packet_ms
            self._sequence = (self._sequence + 1) % SEQUENCES
            if not self._service.say(self._turn, packet):
                return False
        return True
