"""Sound files as a source: one after another, as they would be heard or as fast as they are taken."""

import logging
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from edge_agent.capture.block import BLOCK_S, Block
from edge_agent.capture.decoding import decode, sound_files
from edge_agent.errors import CaptureError

_log = logging.getLogger("edge_agent.capture")


class FileSource:
    """Files without a break between them, but ``pause_s`` of silence.

    At live pace sample n is captured n / 16000 s after the start, whatever the load, so that nothing
    drifts. At the fast pace the clock of the sound starts with the wall clock and then follows the sound.
    """

    live = False

    def __init__(self, path: Path, *, fast: bool, loop: bool, pause_s: float, shuffle: int = 0,
                 block_s: float = BLOCK_S) -> None:  # fmt: skip
        self._fast, self._loop = fast, loop
        self._files = sound_files(path)
        if shuffle:
            random.Random(shuffle).shuffle(self._files)  # noqa: S311
        self._block_s = block_s
        self._pause_samples = round(pause_s * RATE_HZ)
        self._pieces: Iterator[NDArray[np.int16]] = iter(())
        self._begun_s = 0.0
        self._given = 0

    def open(self) -> None:
        """Begin with the first file."""
        self._pieces = self._read_all(self._files)
        self._begun_s = time.time() if self._fast else time.monotonic()
        self._given = 0

    def read(self) -> Block | None:
        """The next block or so, when it is due."""
        samples = next(self._pieces, None)
        if samples is None:
            return None
        self._given += len(samples)
        due_s = self._begun_s + self._given / RATE_HZ
        if self._fast:
            return Block(samples=samples, captured_s=due_s)
        time.sleep(max(0.0, due_s - time.monotonic()))
        # By today's difference of the clocks, so that a clock that is set does not shift the sound.
        return Block(samples=samples, captured_s=due_s + time.time() - time.monotonic())

    def close(self) -> None:
        """Let go of the file that is being read."""
        self._pieces = iter(())

    def _read_all(self, files: list[Path]) -> Iterator[NDArray[np.int16]]:
        while True:
            before = self._given
            for file in files:
                try:
                    yield from decode(file, self._block_s)
                except CaptureError as error:
                    _log.warning("file is broken", extra={"error": str(error)})
                yield from self._pause()
            if not self._loop or self._given == before:
                return

    def _pause(self) -> Iterator[NDArray[np.int16]]:
        left = self._pause_samples
        while left > 0:
            length = min(left, round(RATE_HZ * self._block_s))
            yield np.zeros(length, np.int16)
            left -= length
