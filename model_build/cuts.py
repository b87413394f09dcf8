"""Recordings of any length as clips of one length. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.audio import RATE_HZ

Pcm = NDArray[np.int16]
QUIET_BELOW_LOUDEST_DB = 30.0
"""Parts of a long recording that are further below its loudest part hold nothing of what it is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The part of a recording that a label is about."""

    start_s: float
    end_s: float | None
    """None: the recording's end."""
    room_start_s: float = 0.0
    """From here on nothing else is labelled: so far a window around the part may reach."""
    room_end_s: float | None = None
    """Up to here nothing else is labelled; none: the recording's end."""

    def within(self, seconds: float) -> bool:
        """Whether a recording of that length has the part."""
        return self.start_s < seconds and (self.end_s is None or self.end_s <= seconds + _SLACK_S)


_SLACK_S = 0.05
"""Label files are rounded, and lossy formats change the length a little."""


def cut(pcm: Pcm, span: Span | None, samples: int, *, lasting: bool) -> list[Pcm]:
    """Clips of ``samples`` from a recording, or from the ``span`` of it that is labelled.

    A short sound stands in the middle of what surrounds it, as long as nothing else is labelled there; what
    lacks is filled up with zeros. Of a longer one, a ``lasting`` sound gives one clip after the other without
    the quiet ones, any other gives the loudest clip.
    """
    if span is None:
        start, end, first, last = 0, pcm.size, 0, pcm.size
    else:
        start, end = _sample(span.start_s, pcm), _sample(span.end_s, pcm)
        first = min(start, _sample(span.room_start_s, pcm))
        last = max(end, _sample(span.room_end_s, pcm))
    if end - start > samples:
        part = pcm[start:end]
        return _loud_windows(part, samples) if lasting else [_loudest(part, samples)]
    middle = (start + end) // 2
    begin = min(max(first, middle - samples // 2), max(first, last - samples))
    return [fit(pcm[begin : min(last, begin + samples)], samples)]


def fit(pcm: Pcm, samples: int) -> Pcm:
    """``pcm`` cut to ``samples``, or filled up with zeros at the end.

    >>> fit(np.array([1, 2, 3], np.int16), 4).tolist()
    [1, 2, 3, 0]
    """
    return np.pad(pcm[:samples], (0, max(0, samples - pcm.size)))


def _sample(second: float | None, pcm: Pcm) -> int:
    return pcm.size if second is None else min(pcm.size, max(0, round(second * RATE_HZ)))


def _loudest(pcm: Pcm, samples: int) -> Pcm:
    """The window of ``samples`` whose energy is largest, with that energy in its middle if it can be."""
    energy = np.concatenate([[0.0], np.cumsum(pcm.astype(np.float64) ** 2)])
    inside = energy[samples:] - energy[:-samples]
    best = int(inside.argmax())
    # A short word is whole in many windows; the middle one of them has it in its middle.
    near = np.flatnonzero(inside >= 0.999 * inside[best])
    near = near[np.abs(near - best) < samples]
    begin = int(near[near.size // 2])
    return pcm[begin : begin + samples]


def _loud_windows(pcm: Pcm, samples: int) -> list[Pcm]:
    starts = list(range(0, pcm.size - samples + 1, samples))
    if pcm.size - (starts[-1] + samples) >= samples // 2:
        starts.append(pcm.size - samples)
    windows = [pcm[start : start + samples] for start in starts]
    levels = [float(np.mean(window.astype(np.float64) ** 2)) for window in windows]
    least = max(levels) * 10 ** (-QUIET_BELOW_LOUDEST_DB / 10)
    return [window for window, level in zip(windows, levels, strict=True) if level >= least]
