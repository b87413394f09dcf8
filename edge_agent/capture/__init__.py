"""Sound comes in here: microphone, files, standard input, network stream."""

from edge_agent.capture.block import BLOCK_S, PROMPT_BLOCK_S, Block, Ended, Lost, Source
from edge_agent.capture.decoding import decode, sound_files
from edge_agent.capture.listener import Listener
from edge_agent.capture.opening import make_source
from edge_agent.capture.watch import Watch

__all__ = [
    "BLOCK_S", "PROMPT_BLOCK_S", "Block", "Ended", "Listener", "Lost", "Source", "Watch", "decode",
    "make_source", "sound_files",
]  # fmt: skip
