"""A sound file of any format as 16 kHz mono int16 in pieces; damage is told after what could be read."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.capture.block import BLOCK_S
from edge_agent.capture.convert import Converter
from edge_agent.errors import CaptureError

SUFFIXES: Final = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64", ".rf64"}
)
"""What is taken from a folder; a file that is named itself may be called anything."""


def sound_files(path: Path) -> list[Path]:
    """``path`` itself, or every sound file below it, sorted; ``CaptureError`` if there is none."""
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        if not found:
            raise CaptureError(f"{path}: no sound files in this folder")
        return found
    if not path.exists():
        raise CaptureError(f"{path}: no such file or folder")
    return [path]


def decode(path: Path, block_s: float = BLOCK_S) -> Iterator[NDArray[np.int16]]:
    """The file in pieces of about ``block_s``, (n,) int16.

    ``CaptureError`` before the first piece if it is no sound, after the last if part of it is missing.
    """
    import soundfile

    read = 0
    try:
        with soundfile.SoundFile(path) as file:
            rate_hz, promised = file.samplerate, _promised_frames(path, file.frames)
            converter = Converter(rate_hz)
            for piece in file.blocks(max(1, round(rate_hz * block_s)), dtype="float32", always_2d=True):
                read += len(piece)
                yield converter.feed(piece)
            yield converter.feed(np.zeros((0, 1), np.float32), last=True)
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        raise CaptureError(f"{path}: {_reason(error)}") from error
    if read == 0:
        raise CaptureError(f"{path}: holds no sound")
    if read < promised:
        raise CaptureError(
            f"{path}: cut off, holds {read / rate_hz:.2f} s of {promised / rate_hz:.2f} s; used what is there"
        )


def _reason(error: Exception) -> str:
    text = str(error).split("': ")[-1].strip().rstrip(".")
    return f"not readable: {text or type(error).__name__}"


def _promised_frames(path: Path, counted: int) -> int:
    """Frames that the file says it holds; libsndfile silently counts those that a cut-off WAV has left."""
    try:
        with path.open("rb") as file:
            return max(counted, _wav_frames(file.read(4096), os.fstat(file.fileno()).st_size, counted))
    except OSError:
        return counted


def _wav_frames(head: bytes, size_bytes: int, counted: int) -> int:
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return counted
    position, frame_bytes = 12, 0
    while position + 8 <= len(head):
        name, length = struct.unpack_from("<4sI", head, position)
        if name == b"fmt " and position + 24 <= len(head):
            frame_bytes = struct.unpack_from("<H", head, position + 20)[0]
        if name == b"data":
            # Writers to a pipe cannot know the length and leave the largest number; that promises nothing.
            cut = length < 0x7FFFFFFF and position + 8 + length > size_bytes
            return length // frame_bytes if cut and frame_bytes else counted
        position += 8 + length + length % 2
    return counted
