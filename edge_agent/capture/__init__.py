"""Sound comes in here: microphone, files, standard input, network stream."""

from edge_agent.capture.decoding import decode, sound_files

__all__ = ["decode", "sound_files"]
