"""Which source the settings ask for. Only the one in use is imported."""

from pathlib import Path

from edge_agent.capture.block import BLOCK_S, Source
from edge_agent.settings import InputSettings


def make_source(settings: InputSettings, block_s: float = BLOCK_S) -> Source:
    """The source, not yet opened; ``CaptureError`` if the files it is to play are not there."""
    if settings.source == "files":
        from edge_agent.capture.files import FileSource

        path = settings.path or Path()
        return FileSource(
            path,
            fast=settings.pace == "fast",
            loop=settings.loop,
            pause_s=settings.pause_s,
            shuffle=settings.shuffle,
            block_s=block_s,
        )
    if settings.source == "stdin":
        from edge_agent.capture.standard_input import StandardInput

        return StandardInput(block_s=block_s)
    if settings.source == "stream":
        from edge_agent.capture.network import NetworkStream

        return NetworkStream(settings.url)
    from edge_agent.capture.microphone import Microphone

    return Microphone(
        name=settings.device, usb_id=settings.usb_id, channels=settings.channels, block_s=block_s
    )
