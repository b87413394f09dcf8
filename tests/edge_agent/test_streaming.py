"""Streaming equals whole: how sound is cut into pieces changes nothing of what comes out."""

import itertools
import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contract.audio import HOP_SAMPLES
from edge_agent.bundles import LoadedBundle
from edge_agent.capture.convert import Converter
from edge_agent.classifier import Classifier
from edge_agent.framing import Framer
from edge_agent.frontend import FrontEnd
from edge_agent.pipeline import Pipeline, Step, Tuning
from tests.edge_agent.conftest import Pcm, noise

cuts = st.lists(st.integers(0, 2000), max_size=30)


def in_pieces(sound: Pcm, lengths: list[int]) -> list[Pcm]:
    edges = np.clip(np.cumsum([0, *lengths]), 0, len(sound)).tolist()
    return [sound[a:b] for a, b in zip([*edges], [*edges[1:], len(sound)], strict=True)]


@given(cuts, st.integers(1, 1500))
def test_framing(lengths: list[int], length: int) -> None:
    sound = np.arange(9000, dtype=np.int16)
    framer = Framer(length)
    pieces = np.concatenate([framer.feed(piece) for piece in in_pieces(sound, lengths)])
    whole = len(sound) // length
    assert np.array_equal(pieces, sound[: whole * length].reshape(whole, length))
    assert framer.pending == len(sound) - whole * length


def test_front_end(bundle: LoadedBundle) -> None:
    hops = noise(2).reshape(-1, HOP_SAMPLES)
    front_end = FrontEnd(bundle.preprocess)
    whole = front_end.feed(hops)
    front_end.reset()
    parts = [front_end.feed(hops[a:b]) for a, b in [(0, 1), (1, 8), (8, 8), (8, 100)]]
    assert np.array_equal(np.concatenate(parts), whole)


class Summing:
    """A front end of ``hops`` per run whose every frame holds the sum, modulo 100, of all hops up to it."""

    def __init__(self, hops: int) -> None:
        self.inputs = {
            "pcm": SimpleNamespace(shape=(1, hops * HOP_SAMPLES), dtype=np.dtype(np.int16)),
            "state": SimpleNamespace(shape=(1, 1), dtype=np.dtype(np.float32)),
        }

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        sums = feeds["state"] + np.cumsum(feeds["pcm"].reshape(1, -1, HOP_SAMPLES)[:, :, 0], axis=1)
        return {
            "features": np.repeat((sums % 100)[:, :, np.newaxis], 80, axis=2).astype(np.int8),
            "state_out": sums[:, -1:].astype(np.float32),
        }


@given(st.integers(1, 8), st.lists(st.integers(0, 9), max_size=12))
def test_a_front_end_of_any_hops_per_run(run_hops: int, groups: list[int]) -> None:
    hops = np.repeat(np.arange(40, dtype=np.int16)[:, np.newaxis], HOP_SAMPLES, axis=1)
    edges = [0, *np.clip(np.cumsum(groups, dtype=int), 0, 40).tolist(), 40]
    front_end = FrontEnd(Summing(run_hops))
    front_end.feed(hops[:7])
    front_end.reset()
    frames = np.concatenate([front_end.feed(hops[a:b]) for a, b in itertools.pairwise(edges)])
    assert frames.shape == (40 // run_hops * run_hops, 80)
    assert frames[:, 0].tolist() == (np.cumsum(range(40)) % 100)[: len(frames)].tolist()


def test_classifier(bundle: LoadedBundle) -> None:
    step = bundle.manifest.step_frames
    frames = FrontEnd(bundle.preprocess).feed(noise(3.2).reshape(-1, HOP_SAMPLES))
    frames = frames[: len(frames) // (5 * step) * 5 * step]
    by_step = Classifier(bundle.classifier, step)
    parts = np.concatenate([by_step.feed(frames[a:b]) for a, b in [(0, 3), (3, 50), (50, 51), (51, 999)]])
    many = Classifier(bundle.classifier, step, run_frames=5 * step).feed(frames)
    assert np.array_equal(parts, many)
    again = Classifier(bundle.classifier, step)
    again.feed(frames[:step])
    again.reset()
    assert np.array_equal(again.feed(frames), many)


def outcome(steps: list[Step]) -> list[tuple[int, bytes, bytes, float]]:
    return [(s.index, s.frames.tobytes(), s.posteriors.tobytes(), round(s.end_s, 6)) for s in steps]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts)
def test_pipeline(bundle: LoadedBundle, lengths: list[int]) -> None:
    sound = noise(1.3)
    pipeline = Pipeline(bundle, Tuning(thresholds={}))
    whole = pipeline.feed(sound, 1.3)
    pipeline.reset()
    parts, fed = [], 0
    for piece in in_pieces(sound, lengths):
        fed += len(piece)
        parts += pipeline.feed(piece, fed / 16_000)
    assert outcome(parts) == outcome(whole)
    assert abs(whole[0].end_s - pipeline.step_s) < 1e-9
    rest = pipeline.flush(1.3)
    assert len(whole) + len(rest) == math.ceil(len(sound) / pipeline.step_samples)


@given(st.lists(st.integers(1, 3000), max_size=12))
def test_resampling(lengths: list[int]) -> None:
    sound: NDArray[np.float32] = (noise(0.5).astype(np.float32) / 32768)[:, np.newaxis]
    whole = Converter(44_100).feed(sound, last=True)
    converter = Converter(44_100)
    edges = [0, *np.clip(np.cumsum(lengths), 0, len(sound)).tolist()]
    parts = [converter.feed(sound[a:b]) for a, b in itertools.pairwise(edges)]
    parts.append(converter.feed(sound[edges[-1] :], last=True))
    joined = np.concatenate(parts)
    assert abs(len(joined) - len(whole)) <= 1
    length = min(len(joined), len(whole))
    assert np.abs(joined[:length].astype(int) - whole[:length]).max(initial=0) <= 1


def test_sound_at_our_rate_passes_bit_for_bit() -> None:
    sound = np.array([-32768, -1, 0, 1, 32767], np.int16)
    assert np.array_equal(Converter(16_000).feed(sound[:, np.newaxis].astype(np.float32) / 32768), sound)
