"""Sound from the network through PyAV: RTSP, HTTP, anything that FFmpeg opens."""

import time
from typing import Any

import numpy as np

from contract.audio import RATE_HZ
from edge_agent.capture.block import Block
from edge_agent.errors import CaptureError

_TIMEOUT_S = 10.0
_OPTIONS = {"rtsp_transport": "tcp", "reconnect": "1"}


class NetworkStream:
    """The first sound track of an address; it is opened again after it breaks off."""

    live = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = url.split("@")[-1]  # an address may hold a password
        self._container: Any = None
        self._resampler: Any = None
        self._frames: Any = iter(())

    def open(self) -> None:
        """Connect; ``CaptureError`` says why not."""
        try:
            import av
        except ImportError as error:
            raise CaptureError("network streams need the extra: pip install 'soundpost[stream]'") from error
        try:
            options = _OPTIONS if "://" in self._url else {}
            self._container = av.open(self._url, options=dict(options), timeout=_TIMEOUT_S)
            if not self._container.streams.audio:
                raise CaptureError(f"{self._name}: has no sound track")
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
            self._frames = self._container.decode(audio=0)
        except (OSError, ValueError) as error:  # what FFmpeg reports comes as one of these two
            raise CaptureError(f"{self._name}: {str(error).replace(self._url, self._name)}") from error

    def read(self) -> Block | None:
        """What the next packets hold; the end of a stream is an error, for it may come back."""
        while True:
            try:
                frame = next(self._frames)
                pieces = [out.to_ndarray().reshape(-1) for out in self._resampler.resample(frame)]
            except StopIteration as error:
                raise CaptureError(f"{self._name}: the stream has ended") from error
            except (OSError, ValueError) as error:
                raise CaptureError(f"{self._name}: {error}") from error
            samples = np.concatenate(pieces).astype(np.int16) if pieces else np.zeros(0, np.int16)
            if len(samples):
                return Block(samples=samples, captured_s=time.time())

    def close(self) -> None:
        """Disconnect."""
        if self._container is not None:
            self._container.close()
            self._container = None
