"""Raw sound on standard input: 16-bit little-endian mono PCM at 16 kHz, as it comes."""

import os
import select
import sys
import time

import numpy as np

from contract.audio import RATE_HZ
from edge_agent.capture.block import BLOCK_S, QUIET_S, Block
from edge_agent.errors import CaptureError


class StandardInput:
    """Whoever writes sets the pace: a pipe holds it back while nobody reads."""

    live = False

    def __init__(self, descriptor: int | None = None, *, block_s: float = BLOCK_S) -> None:
        self._descriptor = descriptor
        self._block_bytes = round(RATE_HZ * block_s) * 2
        self._rest = b""

    def open(self) -> None:
        """Nothing to open."""
        if self._descriptor is None:
            self._descriptor = sys.stdin.fileno()

    def read(self) -> Block | None:
        """What has come, a block at most; ``CaptureError`` after 2.5 s of nothing."""
        descriptor = self._descriptor if self._descriptor is not None else 0
        while True:
            if not select.select([descriptor], [], [], QUIET_S)[0]:
                raise CaptureError(f"standard input: nothing came for {QUIET_S:g} s")
            content = os.read(descriptor, self._block_bytes)
            if not content:
                return None
            joined = self._rest + content
            whole = len(joined) // 2 * 2
            self._rest = joined[whole:]
            if whole:
                samples = np.frombuffer(joined[:whole], "<i2").astype(np.int16)
                return Block(samples=samples, captured_s=time.time())

    def close(self) -> None:
        """Whoever started the agent owns it."""
