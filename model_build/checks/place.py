"""Where a clip is, in few words."""

from model_build.checks.finding import short
from model_build.dataset import Sound


def place(sound: Sound) -> str:
    """The file, and from which second on if the clip is a part of it."""
    span = sound.clip.span
    return short(sound.clip.path) + (f" at {span.start_s:g} s" if span else "")
