"""The family of errors that the agent raises."""


class EdgeError(Exception):
    """Base of everything that the agent raises on purpose; the text is meant for people."""


class SettingsError(EdgeError):
    """A setting is unknown or not acceptable; the text names it and says where it came from."""


class ModelError(EdgeError):
    """The TFLite runtime is missing, or refuses a model or what it was fed."""


class CaptureError(EdgeError):
    """An input cannot be opened or read."""


class SoundCardError(EdgeError):
    """A sound card is missing, or refuses."""


class PlaybackError(EdgeError):
    """Sound cannot be played."""


class TalkError(EdgeError):
    """Nobody can be talked to, or not now."""


class OutboxError(EdgeError):
    """The outbox cannot be opened."""


class UpdateError(EdgeError):
    """A new model cannot be had, or is not acceptable."""


class EnrolmentError(EdgeError):
    """The node cannot join the fleet, or gets no other certificate; the text says why."""
