"""A sound card as a source. The only file that knows sounddevice."""

import queue
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from edge_agent.capture.block import BLOCK_S, QUIET_S, Block, Lost
from edge_agent.capture.convert import Converter, from_int16
from edge_agent.errors import CaptureError

_QUEUE_S: Final = 5.0
_RATES_HZ: Final = (RATE_HZ, 48_000, 44_100, 32_000, 96_000)
_ASOUND: Final = Path("/proc/asound")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An input that can be listened to."""

    index: int
    name: str
    channels: int
    rate_hz: int
    usb_id: str
    is_default: bool


def list_devices(asound: Path = _ASOUND) -> list[Device]:
    """Every input that there is now; ``CaptureError`` if sound cannot be reached at all."""
    sounddevice = _sounddevice()
    try:
        found = list(sounddevice.query_devices())
        default = sounddevice.default.device[0]
    except sounddevice.PortAudioError as error:
        raise CaptureError(f"sound system: {error}") from error
    return [
        Device(
            index=index, name=str(item["name"]), channels=int(item["max_input_channels"]),
            rate_hz=round(item["default_samplerate"]), usb_id=usb_id_of(str(item["name"]), asound),
            is_default=index == default,
        )
        for index, item in enumerate(found) if item["max_input_channels"] > 0
    ]  # fmt: skip


def usb_id_of(name: str, asound: Path = _ASOUND) -> str:
    """USB id of the card that a device's name (``… (hw:1,0)``) points to; empty if it is none."""
    card = re.search(r"\(hw:(\d+),\d+\)", name)
    if card is None:
        return ""
    try:
        return (asound / f"card{card[1]}" / "usbid").read_text().strip().lower()
    except OSError:
        return ""


def choose(devices: list[Device], name: str, usb_id: str) -> Device:
    """The device with this USB id, else the first whose name holds ``name``, else the default.

    ``CaptureError`` tells what there is instead.
    """
    if usb_id:
        fitting = [device for device in devices if device.usb_id == usb_id.lower()]
    elif name:
        fitting = [device for device in devices if name.lower() in device.name.lower()]
    else:
        fitting = [device for device in devices if device.is_default] or devices
    if fitting:
        return fitting[0]
    wanted = f"with USB id {usb_id}" if usb_id else f"named {name!r}" if name else "at all"
    there = "; ".join(device.name for device in devices) or "none"
    raise CaptureError(f"no microphone {wanted}; there is: {there}")


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
        sounddevice = _sounddevice(refresh=True)
        device = choose(list_devices(), self._name, self._usb_id)
        try:
            rate_hz, channels = self._offered(sounddevice, device)
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

    def _offered(self, sounddevice: Any, device: Device) -> tuple[int, int]:
        """The first rate that the card takes, ours before its own before others, and the channels."""
        channels = min(self._channels or 2, device.channels)
        last: Exception | None = None
        for rate_hz in dict.fromkeys((_RATES_HZ[0], device.rate_hz, *_RATES_HZ[1:])):
            for count in dict.fromkeys((channels, 1, device.channels)):
                try:
                    sounddevice.check_input_settings(
                        device=device.index, samplerate=rate_hz, channels=count, dtype="int16"
                    )
                except (sounddevice.PortAudioError, ValueError) as error:
                    last = error
                else:
                    return rate_hz, count
        raise CaptureError(f"{device.name}: offers no 16-bit rate that can be used: {last}")

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


def _sounddevice(*, refresh: bool = False) -> Any:
    """The library; ``refresh`` makes it look again which cards there are."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise CaptureError(
            f"the microphone needs PortAudio: apt-get install libportaudio2 ({error})"
        ) from error
    if refresh:
        try:
            sounddevice._terminate()
            sounddevice._initialize()
        except sounddevice.PortAudioError as error:
            raise CaptureError(f"sound system: {error}") from error
    return sounddevice
