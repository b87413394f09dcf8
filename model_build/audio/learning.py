"""Learns what frames usually look like, for the codec: weights by least squares, tables by counting."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.audio import FRAMES_PER_S, MEL_BINS
from contract.codec.analysis import FineAnalysis
from contract.codec.encoder import rounded
from contract.codec.prediction import (
    CONTEXTS,
    ESCAPE,
    PLACES,
    SYMBOLS,
    WEIGHT_BITS,
    WIDEST,
    Model,
    code_frame,
)
from contract.codec.profiles import FINE_RATE, LEAST, MOST, PROFILES, Profile
from contract.codec.range_coder import TOTAL
from model_build.audio.recordings import whole_hops
from model_build.dataset import Progress
from model_build.runtime import Frontend

Frames = NDArray[np.int8]

KEY_FRAMES: Final = 5
"""A key frame is counted at each of so many."""


def learn_from(
    paths: Sequence[Path], preprocess: bytes, progress: Progress
) -> tuple[dict[str, dict[str, Any]], int]:
    """What ``contract.codec.prediction`` reads, from recordings; and how many stored frames they have."""
    frontend, stored, finer = Frontend(preprocess), [], []
    for done, path in enumerate(paths):
        progress("hearing", done, len(paths))
        pcm = whole_hops(path)
        stored.append(frontend.features(pcm))
        finer.append(FineAnalysis().push(pcm))
    learned = {str(rate): learn(clips, rate) for rate, clips in ((FRAMES_PER_S, stored), (FINE_RATE, finer))}
    return learned, sum(map(len, stored))


def learn(clips: Sequence[Frames], frames_per_s: int) -> dict[str, Any]:
    """What the codec needs to know of so many frames a second, from ``clips`` of (T, MEL_BINS) frames."""
    profiles = [profile for profile in PROFILES if profile.frames_per_s == frames_per_s]
    typical = np.rint(np.mean([clip.mean(axis=0) for clip in clips], axis=0)).astype(np.int64)
    key = _without_tables(_fit(clips, places=(0, 1)), across=0)
    following = _without_tables(_fit(clips, places=range(PLACES)), across=2)
    key_counts, following_counts = _counts(clips, profiles, key, following, typical)
    return {
        "typical": typical.tolist(),
        "key": _plain(key, key_counts),
        "following": _plain(following, following_counts),
    }


def _fit(clips: Sequence[Frames], places: Sequence[int]) -> tuple[list[int], list[int]]:
    """Weights and biases that predict best, as whole numbers."""
    rows = [_places(clip.astype(np.float64))[..., places] for clip in clips if len(clip) > 2]
    known = np.concatenate(rows)
    wanted = np.concatenate([clip[2:].astype(np.float64) for clip in clips if len(clip) > 2])
    # Each bin has a bias of its own: taking its means off leaves the weights to be found alone.
    known_mean, wanted_mean = known.mean(axis=0), wanted.mean(axis=0)
    left = (known - known_mean).reshape(-1, len(places))
    weights = np.linalg.lstsq(left, (wanted - wanted_mean).reshape(-1), rcond=None)[0]
    bias = wanted_mean - known_mean @ weights
    every = np.zeros(PLACES)
    every[list(places)] = weights
    return [round(weight * 2**WEIGHT_BITS) for weight in every], [round(b * 2**WEIGHT_BITS) for b in bias]


def _places(clip: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T - 2, MEL_BINS, PLACES) neighbours of each value, as ``code_frame`` sees them."""
    now, before, earlier = clip[2:], clip[1:-1], clip[:-2]
    padded = np.pad(before, ((0, 0), (2, 2)), mode="edge")
    first = before[:, :1]
    below = np.concatenate([first, now[:, :-1]], axis=1)
    below_2 = np.concatenate([first, first, now[:, :-2]], axis=1)
    lower, lower_2 = padded[:, 1 : MEL_BINS + 1], padded[:, :MEL_BINS]
    upper, upper_2 = padded[:, 3 : MEL_BINS + 3], padded[:, 4 : MEL_BINS + 4]
    return np.stack([below, below_2, before, lower, lower_2, upper, upper_2, earlier], axis=2)


def _without_tables(fitted: tuple[list[int], list[int]], across: int) -> Model:
    weights, bias = fitted
    return Model(weights=tuple(weights), bias=tuple(bias), across=across, tables=())


def _counts(
    clips: Sequence[Frames],
    profiles: Sequence[Profile],
    key: Model,
    following: Model,
    typical: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How often each symbol came in each context, in the walk that encoder and decoder take."""
    counts = np.zeros((2, CONTEXTS, SYMBOLS), np.int64)
    for number, clip in enumerate(clips):
        profile = profiles[number % len(profiles)]
        for index, (wanted, before, earlier) in enumerate(_walk(clip, profile, typical)):
            if index % KEY_FRAMES == 0:
                _count(counts[0], key, profile, wanted, typical, typical)
            _count(counts[1], following, profile, wanted, before, earlier)
    return counts[0], counts[1]


def _walk(
    clip: Frames, profile: Profile, typical: NDArray[np.int64]
) -> Iterator[tuple[list[int], NDArray[np.int64], NDArray[np.int64]]]:
    steps = np.array(profile.steps)
    earlier = before = typical
    for frame in clip:
        wanted = rounded(frame, profile)
        yield wanted, before, earlier
        earlier, before = before, np.minimum(np.array(wanted) * steps + LEAST, MOST)


def _count(
    counts: NDArray[np.int64],
    model: Model,
    profile: Profile,
    wanted: list[int],
    before: NDArray[np.int64],
    earlier: NDArray[np.int64],
) -> None:
    def settle(bin_: int, context: int, predicted: int) -> int:
        symbol = wanted[bin_] - predicted + WIDEST
        counts[context, symbol if 0 <= symbol < ESCAPE else ESCAPE] += 1
        return wanted[bin_]

    code_frame(model, profile, before, earlier, settle)


def _plain(model: Model, counts: NDArray[np.int64]) -> dict[str, Any]:
    tables = [[0, *np.cumsum(_shares(row)).tolist()] for row in counts]
    return {"weights": model.weights, "bias": model.bias, "across": model.across, "tables": tables}


def _shares(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Whole numbers near the ``counts``' shares, each at least one, that add up to TOTAL."""
    spare = TOTAL - len(counts)
    smoothed = counts + 0.5
    shares = np.floor(smoothed / smoothed.sum() * spare).astype(np.int64)
    shares[int(shares.argmax())] += spare - shares.sum()
    return np.asarray(shares + 1)
