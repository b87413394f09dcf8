"""What ``aggregator stream`` runs."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, Final

from aggregator import bootstrap
from aggregator.commands.given import settings_of, user
from aggregator.domain.listening import Quality
from aggregator.errors import ListeningError, SoundError
from aggregator.services.live_files import wav_header
from aggregator.services.live_gapless import gapless
from aggregator.services.live_streams import Ear

PIPE: Final = "-"


def run(arguments: argparse.Namespace) -> int:
    """Write what the node hears until the time is over, it may no longer be heard, or somebody ends it."""
    chosen = settings_of(arguments)
    quality = Quality(codec=arguments.codec, packet_ms=arguments.packet_ms)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with closing(bootstrap.database(chosen, migrate=True)) as opened:
        service = bootstrap.listening(chosen, opened)
        with service.listen(arguments.node, quality, arguments.by or user()) as ear:
            contents = _contents(ear, arguments.seconds, service.still(arguments.node, quality))
            written = _to_pipe if arguments.out == PIPE else _to_file
            if not written(arguments.out, contents):
                raise ListeningError(f"no sound came from {arguments.node}")
        service.settle()
    return 0


def _to_file(out: str, contents: Iterator[bytes]) -> int:
    with _opened(Path(out)) as file:
        file.write(wav_header())
        size = 0
        # Whoever presses Ctrl-C has heard enough: the file is whole.
        with suppress(KeyboardInterrupt):
            for content in contents:
                size += file.write(content)
        file.seek(0)
        file.write(wav_header(size))
    return size


def _to_pipe(_out: str, contents: Iterator[bytes]) -> int:
    size = 0
    with suppress(KeyboardInterrupt, BrokenPipeError):
        sys.stdout.buffer.write(wav_header())
        for content in contents:
            size += sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
    return size


def _contents(ear: Ear, seconds: float | None, may: Callable[[], bool]) -> Iterator[bytes]:
    end_s = None
    for samples in takewhile(lambda _: may(), gapless(ear)):
        end_s = time.monotonic() + seconds if end_s is None and seconds is not None else end_s
        yield samples.astype("<i2").tobytes()
        if end_s is not None and time.monotonic() >= end_s:
            return


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("wb") as file:
            yield file
    except OSError as error:
        raise SoundError(f"{path} cannot be written: {error.strerror or error}") from error
