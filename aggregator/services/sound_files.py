"""Sound as a file that other programs play, with what it is written into it."""

import io
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from aggregator.errors import SoundError
from aggregator.services.durable_files import in_words, open_new, sync, sync_folder
from aggregator.services.sound import Sound
from contract.audio import RATE_HZ

KINDS: Final = ("wav", "flac")
SOFTWARE: Final = "Soundpost"
_UNFIT: Final = re.compile(r"[^A-Za-z0-9-]+")


def file_name(sound: Sound, kind: str) -> str:
    """A name that says what is in it, of letters that every disk takes."""
    moment = datetime.fromtimestamp(sound.start_s, UTC).strftime("%Y%m%dT%H%M%S")
    words = [sound.node, *([sound.label] if sound.label else []), f"{moment}Z"]
    return "_".join(_UNFIT.sub("-", word).strip("-") or "sound" for word in words) + f".{kind}"


def as_bytes(sound: Sound, kind: str) -> bytes:
    """The whole file."""
    target = io.BytesIO()
    _write(sound, kind, target)
    return target.getvalue()


def save(sound: Sound, kind: str, path: Path) -> None:
    """Write a file that is there whole or not at all, in the place of one that was there."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open_new(beside) as file:
            _write(sound, kind, file)
            sync(file)
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise SoundError(f"{path} cannot be written: {in_words(error)}") from error
    finally:
        beside.unlink(missing_ok=True)


def _write(sound: Sound, kind: str, target: BinaryIO) -> None:
    import soundfile  # only whoever asks for sound pays for its library

    with soundfile.SoundFile(target, "w", RATE_HZ, 1, subtype="PCM_16", format=kind.upper()) as file:
        _describe(file, sound)
        for samples in sound.pieces:
            file.write(samples)


def _describe(file: Any, sound: Sound) -> None:
    """Into the LIST/INFO chunk of a WAV, or the Vorbis comment of a FLAC."""
    moment = datetime.fromtimestamp(sound.start_s, UTC).isoformat(timespec="milliseconds")
    moment = moment.replace("+00:00", "Z")
    file.title = sound.label or "sound"
    file.artist = sound.node
    file.date = moment
    file.software = SOFTWARE
    file.comment = (
        f"{sound.label or 'Sound'} heard by {sound.node} at {moment}, made again from stored features "
        f"({sound.source}, {sound.model}); no recording"
    )
