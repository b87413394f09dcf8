import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.timeline import SLACK_FRAMES, Stretch, line_up

FRAMES = 40


def a_stretch(start: int, length: int = FRAMES, digest: str = "a") -> Stretch:
    """Frames that say at which frame of the line they were heard."""
    numbers = np.arange(start, start + length).astype(np.int8)
    return Stretch(start_s=start / 50, frontend_digest=digest, frames=np.repeat(numbers[:, None], 80, axis=1))


def laid(stretches: list[Stretch], since_s: float = 0.0, until_s: float = 10.0) -> list[int | None]:
    """The line, frame by frame; None where there is silence."""
    line: list[int | None] = []
    for piece in line_up(stretches, since_s, until_s):
        line += [None] * piece.silent_frames + [int(row[0]) for row in piece.frames]
    return line


def test_windows_that_overlap_are_heard_once() -> None:
    assert laid([a_stretch(0), a_stretch(10), a_stretch(40)]) == list(range(80))


def test_a_gap_is_silent_and_begins_anew() -> None:
    pieces = list(line_up([a_stretch(0), a_stretch(60)], 0.0, 10.0))
    assert [(piece.silent_frames, piece.begins) for piece in pieces] == [(0, True), (20, True)]


def test_frames_of_different_front_ends_are_not_joined() -> None:
    pieces = list(line_up([a_stretch(0), a_stretch(40), a_stretch(80, digest="b")], 0.0, 10.0))
    assert [piece.begins for piece in pieces] == [True, False, True]
    assert laid([a_stretch(0), a_stretch(20, digest="b")]) == list(range(60))


def test_the_span_cuts_both_ends() -> None:
    assert laid([a_stretch(0), a_stretch(40)], 0.2, 1.0) == list(range(10, 50))


@given(st.lists(st.integers(0, 80), max_size=6), st.integers(0, 60), st.integers(1, 120))
def test_each_frame_stands_where_it_was_heard(starts: list[int], since: int, length: int) -> None:
    line = laid([a_stretch(start) for start in sorted(starts)], since / 50, (since + length) / 50)
    assert len(line) <= length
    heard = {frame for start in starts for frame in range(start, start + FRAMES)}
    for index, frame in enumerate(line):
        # So short a silence is taken for a clock that is not exact, and closed.
        assert frame is None or 0 <= frame - since - index <= SLACK_FRAMES * len(starts)
    kept = {frame for frame in line if frame is not None}
    assert kept <= {frame for frame in heard if frame >= since}
