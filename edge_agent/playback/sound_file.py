"""A WAV file instead of a loudspeaker: each turn is added at its end."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from edge_agent.errors import PlaybackError
from edge_agent.playback.sink import AHEAD_S, Pace


class SoundFile:
    """16 kHz, mono, 16 bit."""

    latency_s = AHEAD_S

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def open(self) -> None:
        """Go to its end; make it, if there is none."""
        import soundfile

        try:
            if self._path.exists():
                self._file = soundfile.SoundFile(self._path, "r+")
                self._file.seek(0, soundfile.SEEK_END)
            else:
                self._file = soundfile.SoundFile(self._path, "w", RATE_HZ, 1, "PCM_16", format="WAV")
        except (soundfile.SoundFileError, OSError) as error:
            raise PlaybackError(f"{self._path}: cannot be written: {error}") from error
        self._pace = Pace()

    def play(self, samples: NDArray[np.int16]) -> None:
        """Write them, when a loudspeaker would take them."""
        self._pace.wait(len(samples))
        self._file.write(samples)

    def close(self) -> None:
        """Finish it."""
        if self._file is not None:
            self._file.close()
            self._file = None
