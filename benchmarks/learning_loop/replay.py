"""What the nodes hear: for each a recording of its own, of people whom no other node hears."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from aggregator.domain.splits import TEST, TRAINING, VALIDATION, split
from benchmarks.learning_loop.people import Parts
from contract.audio import RATE_HZ
from model_build.audio_file import read_pcm
from model_build.dataset import Clip

SITES = {TRAINING: 10, VALIDATION: 2, TEST: 2}
"""Sites, and nodes, of each split of the data set: its parts of seven tenths and about one and a half."""
KNOWN, OTHERS = 1, 1
"""Clips of labels that the starter knows, and of words that are none of its labels, at each site."""
LEAD_S = 2.5
GAP_S = (6.0, 7.5)
BACKGROUND_DBFS = (-62.0, -46.0)
WORD_S = 0.5
"""A word is heard in a window if most of its loudest part, which is so long, lies in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A word in a recording, and where it is loudest, s from the beginning."""

    word: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reel:
    """What one node plays."""

    node: str
    path: Path
    pcm: NDArray[np.int16]
    spoken: tuple[Spoken, ...]

    @property
    def duration_s(self) -> float:
        """Its length."""
        return len(self.pcm) / RATE_HZ


def reels(parts: Parts, new_label: str, folder: Path, seed: int) -> list[Reel]:
    """A recording for each of ``SITES``, written to ``folder``."""
    draw = random.Random(seed)
    noises = [read_pcm(path) for path in parts.noises]
    made = []
    for number, clips in enumerate(_deal(parts, new_label, sum(SITES.values()), draw), 1):
        node = f"node-{number:02}"
        pcm, spoken = _record(clips, noises, np.random.default_rng([seed, number]))
        path = folder / node / f"{node}.wav"
        path.parent.mkdir(parents=True)
        soundfile.write(path, pcm, RATE_HZ)
        made.append(Reel(node=node, path=path, pcm=pcm, spoken=spoken))
    return made


def sites(start_s: float, end_s: float) -> list[str]:
    """A site for each node, such that what is heard from now on falls into the splits as ``SITES`` says.

    A fleet that has listened for days has windows of every split; these nodes play for a minute.
    """
    chosen: list[str] = []
    for wanted, count in SITES.items():
        number = 0
        while count:
            number += 1
            name = f"House {number}"
            if name not in chosen and split(node="", site=name, start_s=start_s, end_s=end_s) == wanted:
                chosen.append(name)
                count -= 1
    return chosen


def _deal(parts: Parts, new_label: str, nodes: int, draw: random.Random) -> Iterable[list[Clip]]:
    """Clips for each node: all there are of the new label, and some others, of the node's own speakers."""
    speakers = sorted({clip.group for clip in parts.replayed})
    draw.shuffle(speakers)
    # Those who say the new word are dealt first, so that every node hears about as many of them.
    saying = {clip.group for clip in parts.replayed if clip.word == new_label}
    speakers.sort(key=lambda speaker: speaker not in saying)
    for number in range(nodes):
        mine = set(speakers[number::nodes])
        clips = [clip for clip in parts.replayed if clip.group in mine]
        draw.shuffle(clips)
        new = [clip for clip in clips if clip.word == new_label]
        known = [clip for clip in clips if clip.word in parts.targets][:KNOWN]
        others = [clip for clip in clips if clip.word not in (*parts.targets, new_label)][:OTHERS]
        chosen = [*new, *known, *others]
        draw.shuffle(chosen)
        yield chosen


def _record(
    clips: Sequence[Clip], noises: Sequence[NDArray[np.int16]], draw: np.random.Generator
) -> tuple[NDArray[np.int16], tuple[Spoken, ...]]:
    pieces: list[NDArray[np.int16]] = [np.zeros(round(LEAD_S * RATE_HZ), np.int16)]
    spoken = []
    at = len(pieces[0])
    for clip in clips:
        pcm, gap = read_pcm(clip.path), np.zeros(round(draw.uniform(*GAP_S) * RATE_HZ), np.int16)
        first = at / RATE_HZ + _loudest_s(pcm)
        spoken.append(Spoken(word=clip.word, start_s=first, end_s=first + WORD_S))
        pieces += [pcm, gap]
        at += len(pcm) + len(gap)
    whole = np.concatenate(pieces)
    heard = whole + _background(len(whole), noises, draw)
    return np.clip(np.round(heard), -32768, 32767).astype(np.int16), tuple(spoken)


def _loudest_s(pcm: NDArray[np.int16]) -> float:
    """Where the loudest ``WORD_S`` of a clip begin."""
    power = np.concatenate([[0.0], np.cumsum(pcm.astype(np.float64) ** 2)])
    length = min(round(WORD_S * RATE_HZ), len(pcm))
    return float(np.argmax(power[length:] - power[:-length])) / RATE_HZ


def _background(
    samples: int, noises: Sequence[NDArray[np.int16]], draw: np.random.Generator
) -> NDArray[np.float64]:
    """A stretch of one of the recorded noises, or white noise where there is none, at a level drawn."""
    if noises:
        noise = noises[int(draw.integers(len(noises)))].astype(np.float64)
        sound = np.take(noise, np.arange(samples) + int(draw.integers(len(noise))), mode="wrap")
    else:
        sound = draw.normal(size=samples)
    rms = 32768 * 10 ** (draw.uniform(*BACKGROUND_DBFS) / 20)
    return sound * rms / max(1.0, float(np.sqrt(np.mean(sound**2))))
