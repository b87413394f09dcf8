"""Which sink the settings ask for. Only the one in use is imported."""

from pathlib import Path

from edge_agent.playback.sink import Nowhere, Sink
from edge_agent.settings import TalkSettings


def make_sink(settings: TalkSettings) -> Sink:
    """The sink, not yet opened."""
    if settings.output == "nowhere":
        return Nowhere()
    if settings.output == "file":
        from edge_agent.playback.sound_file import SoundFile

        return SoundFile(settings.path or Path())
    from edge_agent.playback.loudspeaker import Loudspeaker

    return Loudspeaker(name=settings.device, usb_id=settings.usb_id, volume=settings.volume)
