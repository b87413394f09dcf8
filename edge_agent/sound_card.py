"""The one door to sound cards: which there are, and what they offer. The only file that knows sounddevice."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.audio import RATE_HZ
from edge_agent.errors import SoundCardError

_RATES_HZ: Final = (RATE_HZ, 48_000, 44_100, 32_000, 96_000)
_ASOUND: Final = Path("/proc/asound")

_lock: Final = threading.RLock()
_playing: Final[set[Callable[[], None]]] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An input that can be listened to, or an output that can be played on."""

    index: int
    name: str
    channels: int
    rate_hz: int
    usb_id: str
    is_default: bool


def list_devices(asound: Path = _ASOUND, *, output: bool = False) -> list[Device]:
    """Every input, or output, that there is now; ``SoundCardError`` if sound cannot be reached at all."""
    sounddevice = _sounddevice()
    try:
        found = list(sounddevice.query_devices())
        default = sounddevice.default.device[1 if output else 0]
    except sounddevice.PortAudioError as error:
        raise SoundCardError(f"sound system: {error}") from error
    channels = "max_output_channels" if output else "max_input_channels"
    return [
        Device(
            index=index, name=str(item["name"]), channels=int(item[channels]),
            rate_hz=round(item["default_samplerate"]), usb_id=usb_id_of(str(item["name"]), asound),
            is_default=index == default,
        )
        for index, item in enumerate(found) if item[channels] > 0
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


def choose(devices: list[Device], name: str, usb_id: str, *, what: str = "microphone") -> Device:
    """The device with this USB id, else the first whose name holds ``name``, else the default.

    ``SoundCardError`` tells what there is instead.
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
    raise SoundCardError(f"no {what} {wanted}; there is: {there}")


def offered(sounddevice: Any, device: Device, wanted_channels: int, *, output: bool) -> tuple[int, int]:
    """The first rate that the card takes, ours before its own before others, and the channels."""
    check = sounddevice.check_output_settings if output else sounddevice.check_input_settings
    channels, last = min(wanted_channels, device.channels), None
    for rate_hz in dict.fromkeys((_RATES_HZ[0], device.rate_hz, *_RATES_HZ[1:])):
        for count in dict.fromkeys((channels, 1, device.channels)):
            try:
                check(device=device.index, samplerate=rate_hz, channels=count, dtype="int16")
            except (sounddevice.PortAudioError, ValueError) as error:
                last = error
            else:
                return rate_hz, count
    raise SoundCardError(f"{device.name}: offers no 16-bit rate that can be used: {last}")


@contextmanager
def opening(*, refresh: bool = False) -> Iterator[Any]:
    """PortAudio, for whoever opens a stream meanwhile; what it raises becomes ``SoundCardError``.

    ``refresh`` makes it look again which cards there are. That ends all that plays: who plays opens again.
    """
    sounddevice = _sounddevice()
    with _lock:
        try:
            if refresh:
                for close in list(_playing):
                    close()
                sounddevice._terminate()
                sounddevice._initialize()
            yield sounddevice
        except sounddevice.PortAudioError as error:
            raise SoundCardError(f"sound system: {error}") from error


def plays(close: Callable[[], None]) -> None:
    """A stream plays; ``close`` ends it, from any thread, before PortAudio begins anew."""
    _playing.add(close)


def plays_no_more(close: Callable[[], None]) -> None:
    """It has ended."""
    _playing.discard(close)


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise SoundCardError(
            f"sound cards need PortAudio: apt-get install libportaudio2 ({error})"
        ) from error
    return sounddevice
