"""Somebody who knows what each node played: finds a window in it, and says what is heard in the window."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning_loop.replay import WORD_S, Reel
from contract.audio import HOP_MS
from model_build.examples import whole_steps
from model_build.runtime import Frontend
from tests.system.reviewer import NONE, SKIP

HEARD_PART, UNHEARD_PART = 0.7, 0.2
"""A word is heard if so much of it lies in the window, and is not if less than that; else: who knows."""


class Oracle:
    """Knows every reel as the frames that the front end makes of it.

    Front end and node compute the same frames bit for bit, so a window is found where all of it is alike, and
    no clock has to be believed.
    """

    def __init__(self, reels: Iterable[Reel], preprocess: bytes, labels: Sequence[str]) -> None:
        frontend = Frontend(preprocess)
        self._labels = labels
        self._reels = {reel.node: reel for reel in reels}
        self._frames = {node: frontend.features(whole_steps(reel.pcm)) for node, reel in self._reels.items()}

    def said(self, node: str, frames: NDArray[np.int8]) -> str:
        """The label that is heard in the window, ``NONE`` of them, or ``SKIP`` where only a part is."""
        start_s = self._find(node, frames) * HOP_MS / 1000
        end_s = start_s + len(frames) * HOP_MS / 1000
        parts = {
            one: (min(end_s, one.end_s) - max(start_s, one.start_s)) / WORD_S
            for one in self._reels[node].spoken
        }
        heard = {one.word for one, part in parts.items() if part >= HEARD_PART}
        if len(heard) > 1 or any(UNHEARD_PART < part < HEARD_PART for part in parts.values()):
            return SKIP
        return next((word for word in heard if word in self._labels), NONE)

    def _find(self, node: str, frames: NDArray[np.int8]) -> int:
        """The frame of the node's reel with which a window begins."""
        reel = self._frames[node]
        for at in np.flatnonzero((reel[: len(reel) - len(frames) + 1] == frames[0]).all(axis=1)).tolist():
            if np.array_equal(reel[at : at + len(frames)], frames):
                return int(at)
        raise LookupError(f"{node} sent a window of something that it did not play")
