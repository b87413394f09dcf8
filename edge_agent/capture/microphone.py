"""A sound card as a source."""

import queue
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from edge_agent.capture.block import BLOCK_S, QUIET_S, Block, Lost
from edge_agent.capture.convert import Converter, from_int16
from edge_agent.errors import CaptureError, SoundCardError
from edge_agent.sound_card import choose, list_devices, offered, opening

_QUEUE_S: Final = 5.0


class Microphone:
    """One sound card, at a rate and channel count that it offers."""

    live = True

    def __init__(self, *, name: str, usb_id: str, channels: int, block_s: float = BLOCK_S) -> None:
        self._name, self._usb_id, self._channels = name, usb_id, channels
        self._block_s = block_s
        self._stream: Any = None
        self._converter = Converter(RATE_HZ)
        self._blocks: queue.Queue[tuple[NDArray[np.int16], float] | None] = queue.Queue(
            maxsize=round(_QUEUE_S / block_s)
        )
        self._lost: Lost | None = None
        self.opened = ""
        """Name of the card, once open."""

    def open(self) -> None:
        """Find the card among those that are there now, and start it."""
        try:
            with opening(refresh=True) as sounddevice:
                self._start(sounddevice)
        except SoundCardError as error:
            raise CaptureError(str(error)) from error

    def _start(self, sounddevice: Any) -> None:
        device = choose(list_devices(), self._name, self._usb_id)
        try:
            rate_hz, channels = offered(sounddevice, device, self._channels or 2, output=False)
            self._converter = Converter(rate_hz)
            self._stream = sounddevice.InputStream(
                device=device.index, samplerate=rate_hz, channels=channels, dtype="int16",
                blocksize=round(rate_hz * self._block_s), callback=self._callback(),
                finished_callback=self._finished,
            )  # fmt: skip
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise CaptureError(f"{device.name}: {error}") from error
        self.opened = device.name

    def read(self) -> Block | Lost | None:
        """The next block; ``CaptureError`` when none came for 2.5 s."""
        lost, self._lost = self._lost, None
        if lost is not None:
            return lost
        try:
            item = self._blocks.get(timeout=QUIET_S)
        except queue.Empty as error:
            raise CaptureError(f"{self.opened}: no sound for {QUIET_S:g} s") from error
        if item is None:
            raise CaptureError(f"{self.opened}: the sound card has stopped")
        sound, captured_s = item
        return Block(samples=self._converter.feed(from_int16(sound)), captured_s=captured_s)

    def close(self) -> None:
        """Stop the card."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)

    def _callback(self) -> Callable[[NDArray[np.int16], int, Any, Any], None]:
        blocks = self._blocks

        def callback(sound: NDArray[np.int16], _frames: int, _time: Any, status: Any) -> None:
            # Runs in the sound card's thread: copy, stamp, hand over, never wait.
            now_s = time.time()
            try:
                blocks.put_nowait((sound.copy(), now_s))
            except queue.Full:
                status = True
            if status:
                start_s = self._lost.start_s if self._lost else now_s - self._block_s
                self._lost = Lost(reason="overrun", start_s=start_s, end_s=now_s)

        return callback

    def _finished(self) -> None:
        with suppress(queue.Full):
            self._blocks.put_nowait(None)
