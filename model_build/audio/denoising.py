"""The tables of ``model-build evaluate-audio`` about denoisers: noise at three levels, and offsets."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Final

import numpy as np

from contract.audio import RATE_HZ
from model_build.audio.denoisers import Denoiser
from model_build.audio.noisy import mixed
from model_build.audio.scores import Judge, Pcm, Scores
from model_build.dataset import Progress
from model_build.errors import DatasetError

SNR_DB: Final = (0.0, 5.0, 10.0)
OFFSETS: Final = (0.05, 0.2)
"""Of full scale."""
_OFFSET_SNR_DB: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table: means over the recordings."""

    name: str
    snr_db: float
    offset: float
    """Of full scale, added to what was heard."""
    pesq: float | None
    stoi: float
    si_sdr_db: float
    residual: float | None
    """Largest mean of what came out, of full scale; None for what nothing was done to."""
    latency_ms: float
    rtf: float
    """Seconds of one core for a second of sound."""
    size_kb: float | None
    recordings: int

    def to_plain(self) -> dict[str, object]:
        """For JSON."""
        plain = asdict(self)
        return {key: round(value, 7) if isinstance(value, float) else value for key, value in plain.items()}


def in_noise(
    denoisers: Sequence[Denoiser], speech: Sequence[Pcm], noise: Pcm, progress: Progress
) -> list[Row]:
    """Every denoiser, and none, at each SNR."""
    judge, rows = Judge(), []
    for snr_db in SNR_DB:
        noisy = mixed(speech, noise, snr_db)
        for denoiser in (None, *denoisers):
            rows.append(_measure(denoiser, speech, noisy, judge, progress, snr_db=snr_db))
    return rows


def on_offsets(
    denoisers: Sequence[Denoiser], speech: Sequence[Pcm], noise: Pcm, progress: Progress
) -> list[Row]:
    """Every denoiser on the same noisy speech without an offset, and with each."""
    judge, rows = Judge(), []
    noisy = mixed(speech, noise, _OFFSET_SNR_DB)
    for denoiser in denoisers:
        for offset in (0.0, *OFFSETS):
            heard = [np.clip(one + round(offset * 32768), -32768, 32767).astype(np.int16) for one in noisy]
            rows.append(
                _measure(denoiser, speech, heard, judge, progress, snr_db=_OFFSET_SNR_DB, offset=offset)
            )
    return rows


def _measure(
    denoiser: Denoiser | None,
    speech: Sequence[Pcm],
    heard: Sequence[Pcm],
    judge: Judge,
    progress: Progress,
    *,
    snr_db: float,
    offset: float = 0.0,
) -> Row:
    scores: list[Scores | None] = []
    means, spent_s, name = [], 0.0, "nothing" if denoiser is None else denoiser.name
    for index, (one, noisy) in enumerate(zip(speech, heard, strict=True)):
        progress(name, index, len(speech))
        began_s = time.process_time()
        made = noisy if denoiser is None else denoiser.clean(noisy)
        spent_s += time.process_time() - began_s
        means.append(abs(float(made.mean())) / 32768)
        scores.append(judge.score(one, made))
    judged = [score for score in scores if score is not None]
    if not judged:
        raise DatasetError("no recording is long and loud enough to be judged")
    known = [score.pesq for score in judged if score.pesq is not None]
    return Row(
        name=name,
        snr_db=snr_db,
        offset=offset,
        pesq=fmean(known) if known else None,
        stoi=fmean(score.stoi for score in judged),
        si_sdr_db=fmean(score.si_sdr_db for score in judged),
        residual=None if denoiser is None else max(means),
        latency_ms=0.0 if denoiser is None else denoiser.latency_ms,
        rtf=spent_s / (sum(one.size for one in speech) / RATE_HZ),
        size_kb=None if denoiser is None else denoiser.size_kb,
        recordings=len(judged),
    )
