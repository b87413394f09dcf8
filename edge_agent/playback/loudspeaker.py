"""A sound card that plays."""

import threading
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from edge_agent.errors import PlaybackError, SoundCardError
from edge_agent.sound_card import choose, list_devices, offered, opening, plays, plays_no_more

_LATENCY_S: Final = 0.05
"""Sound in the card's own buffer: with less, a busy processor is heard as crackling."""


class Loudspeaker:
    """One sound card, at a rate and channel count that it offers."""

    def __init__(self, *, name: str, usb_id: str, volume: float) -> None:
        """``volume`` from 0 to 1 is what samples are multiplied with."""
        self._name, self._usb_id, self._volume = name, usb_id, volume
        self._stream: Any = None
        self._resampler: Any = None
        self._channels = 1
        # A microphone that is plugged in makes PortAudio begin anew: in its thread, while ours plays.
        self._lock = threading.RLock()
        self.latency_s = _LATENCY_S

    def open(self) -> None:
        """Find the card, and start it."""
        try:
            with opening() as sounddevice, self._lock:
                self._start(sounddevice)
        except SoundCardError as error:
            raise PlaybackError(str(error)) from error
        plays(self._end)

    def play(self, samples: NDArray[np.int16]) -> None:
        """Wait until the card has room for them."""
        if self._stream is None:
            self.open()
        with self._lock:
            stream = self._stream
            if stream is None:
                return
            try:
                stream.write(self._as_offered(samples))
            except Exception as error:  # PortAudio's own kind is not known here
                self._end()
                raise PlaybackError(f"the loudspeaker: {error}") from error

    def close(self) -> None:
        """Let the card play what it has taken, and give it back."""
        plays_no_more(self._end)
        with self._lock:
            stream, self._stream = self._stream, None
            if stream is not None:
                stream.stop(ignore_errors=True)
                stream.close(ignore_errors=True)

    def _start(self, sounddevice: Any) -> None:
        device = choose(list_devices(output=True), self._name, self._usb_id, what="loudspeaker")
        rate_hz, self._channels = offered(sounddevice, device, 2, output=True)
        self._resampler = None
        if rate_hz != RATE_HZ:
            import soxr

            self._resampler = soxr.ResampleStream(RATE_HZ, rate_hz, 1, dtype="int16", quality="HQ")
        self._stream = sounddevice.OutputStream(
            device=device.index,
            samplerate=rate_hz,
            channels=self._channels,
            dtype="int16",
            latency=_LATENCY_S,
        )
        self._stream.start()
        self.latency_s = float(self._stream.latency)

    def _as_offered(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        sound = (samples * np.float32(self._volume)).astype(np.int16)
        if self._resampler is not None:
            sound = self._resampler.resample_chunk(sound)
        return np.ascontiguousarray(np.repeat(sound[:, None], self._channels, axis=1))

    def _end(self) -> None:
        with self._lock:
            stream, self._stream = self._stream, None
            if stream is not None:
                stream.abort(ignore_errors=True)
                stream.close(ignore_errors=True)
