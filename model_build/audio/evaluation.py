"""The tables of ``model-build evaluate-audio``: quality, bit rate, and what remains when packets are lost."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np

from contract.audio import RATE_HZ
from contract.codec.reconstruction import reconstruct
from model_build.audio.codecs import Codec, Packets, Pcm
from model_build.audio.recordings import files_of, whole_hops
from model_build.audio.scores import Judge, Scores
from model_build.dataset import Progress
from model_build.errors import DatasetError

LOSSES: Final = (0.1, 0.2)
NOISE_DB: Final = 10.0
"""Speech over noise, of the rows with noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table: means over the recordings."""

    name: str
    kbps: float
    """Of the bytes of all packets."""
    pesq: float | None
    stoi: float
    si_sdr_db: float
    encode_rtf: float
    decode_rtf: float
    """Seconds of one core for a second of sound."""
    recordings: int

    def to_plain(self) -> dict[str, object]:
        """For JSON."""
        plain = asdict(self)
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in plain.items()}


def recordings(data: Path, limit: int) -> list[Pcm]:
    """The first ``limit`` recordings of ``data``; ``DatasetError`` if there is none."""
    return [whole_hops(path) for path in files_of(data)[:limit]]


def measure(codec: Codec, speech: Sequence[Pcm], judge: Judge, progress: Progress, loss: float = 0.0) -> Row:
    """One codec, with a part ``loss`` of its packets lost by chance, the same for each run."""
    chance, scores, size, spent = np.random.default_rng(7), [], 0, [0.0, 0.0]
    for done, one in enumerate(speech):
        progress(codec.name, done, len(speech))
        began = time.process_time()
        packets = codec.encode(one)
        encoded = time.process_time()
        size += sum(len(packet) for packet in packets if packet)
        arrived = _without(packets, loss, chance)
        began_again = time.process_time()
        again = codec.decode(arrived)
        spent[0] += encoded - began
        spent[1] += time.process_time() - began_again
        scores.append(judge.score(one, again))
    name = f"{codec.name}, {loss:.0%} lost" if loss else codec.name
    return _row(name, scores, size, (spent[0], spent[1]), speech)


def measure_frames(
    hear: Callable[[Pcm], np.ndarray], name: str, rate: int, speech: Sequence[Pcm], judge: Judge
) -> Row:
    """Sound from frames as they are stored: no packets, one byte for each value."""
    scores, size, spent = [], 0, [0.0, 0.0]
    for one in speech:
        began = time.process_time()
        frames = hear(one)
        heard = time.process_time()
        again = reconstruct(frames, rate)
        spent[0] += heard - began
        spent[1] += time.process_time() - heard
        size += frames.size
        scores.append(judge.score(one, again))
    return _row(name, scores, size, (spent[0], spent[1]), speech)


def _without(packets: Packets, loss: float, chance: np.random.Generator) -> Packets:
    sent = [packet is not None for packet in packets]
    kept = [not was_sent or chance.random() >= loss for was_sent in sent]
    # The first one always comes: there is no stream before it.
    kept[: sent.index(True) + 1] = [True] * (sent.index(True) + 1)
    return [packet if stays else None for packet, stays in zip(packets, kept, strict=True)]


def _row(
    name: str,
    scores: Sequence[Scores | None],
    size_bytes: int,
    spent_s: tuple[float, float],
    speech: Sequence[Pcm],
) -> Row:
    judged = [score for score in scores if score is not None]
    if not judged:
        raise DatasetError("no recording is long and loud enough to be judged")
    seconds = sum(one.size for one in speech) / RATE_HZ
    return Row(
        name=name,
        kbps=size_bytes * 8 / seconds / 1000,
        pesq=fmean(known) if (known := [one.pesq for one in judged if one.pesq is not None]) else None,
        stoi=fmean(score.stoi for score in judged),
        si_sdr_db=fmean(score.si_sdr_db for score in judged),
        encode_rtf=spent_s[0] / seconds,
        decode_rtf=spent_s[1] / seconds,
        recordings=len(judged),
    )
