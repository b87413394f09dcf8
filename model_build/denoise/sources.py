"""The recordings that a denoiser is made from, and those that are kept to measure it on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import lfilter

from contract.audio import RATE_HZ
from contract.denoise.spectra import pole
from contract.manifest import DataSet
from model_build import esc50
from model_build.audio.recordings import files_of
from model_build.audio_file import read_pcm
from model_build.dataset import TRAINING, Pcm, Progress
from model_build.denoise.made_noise import Sound
from model_build.errors import DatasetError

HELD_OUT_EVERY = 7
"""One of so many recordings is kept to measure on; in the layout of ESC-50 it is the last fold."""
_FIRST_NOISE = 2
_WORD_S = 0.5
_CLEAR_DB, _LOUD_DB = 38.0, -40.0
"""Of a clear clip: range between its loud and its quiet hundredths of a second, and level of the loud."""
_SHORT_SAMPLES = RATE_HZ // 100
_PICOVOICE = DataSet(
    name="Picovoice speech-to-intent-benchmark, sentences", licence="Apache-2.0",
    source="Picovoice, github.com/Picovoice/speech-to-intent-benchmark", clips=0,
)  # fmt: skip
_WARDEN = DataSet(
    name="Google Speech Commands v0.02", licence="CC BY 4.0",
    source="Warden 2018, arXiv:1804.03209", clips=0,
)  # fmt: skip
_KNOWN = {"speech_sentences": _PICOVOICE, "speech_commands": _WARDEN, "_background_noise_": _WARDEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where recordings lie."""

    speech: Path
    noises: tuple[Path, ...]
    words: Path | None
    """Short clips of many speakers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What is learned from, without offset."""

    speech: tuple[Sound, ...]
    words: tuple[Sound, ...]
    """Short clips, for babble."""
    clear_words: tuple[Sound, ...]
    """Those that may be what is to come out."""
    noises: tuple[tuple[Sound, ...], ...]
    """By folder: one is drawn before its recordings are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """What is measured on, as it was recorded."""

    speech: tuple[Pcm, ...]
    noises: tuple[Pcm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All of it."""

    sources: Sources
    held_out: HeldOut
    datasets: tuple[DataSet, ...]


def find(places: Places, speeds: Sequence[float], progress: Progress, limit: int | None = None) -> Found:
    """Read everything; ``DatasetError`` says what is missing. ``limit`` is the most files of each folder."""
    speech, kept_speech = _split(files_of(places.speech)[:limit], first=0)
    noises = [_split_noise(folder, limit) for folder in places.noises]
    words = _training(places.words)[:limit] if places.words else []
    if not speech or not noises or not all(learned for learned, _ in noises):
        raise DatasetError("a denoiser needs recordings of speech (--data) and of noise (--noise)")
    counts = [(places.speech, len(speech)), *zip(places.noises, (len(n) for n, _ in noises), strict=True)]
    if places.words:
        counts.append((places.words, len(words)))
    spoken = [clip for clip in _read(words, progress) if clip.size > _WORD_S * RATE_HZ]
    paths = [path for _, kept in noises for path in kept]
    return Found(
        sources=Sources(
            speech=tuple(one for sound in _read(speech, progress) for one in _at_speeds(sound, speeds)),
            words=tuple(spoken),
            clear_words=tuple(clip for clip in spoken if is_clear(clip)),
            noises=tuple(tuple(_read(learned, progress)) for learned, _ in noises),
        ),
        held_out=HeldOut(
            speech=tuple(read_pcm(path) for path in kept_speech),
            noises=tuple(read_pcm(path) for path in paths),
        ),
        datasets=tuple(_described(folder, count) for folder, count in counts),
    )


def without_offset(sound: NDArray[np.floating]) -> Sound:
    """High-passed, as the exported graph does it."""
    gain = (1 + pole()) / 2
    filtered, _ = lfilter([gain, -gain], [1, -pole()], sound, zi=np.array([-gain * sound[0]]))
    return np.asarray(filtered, np.float32)


def is_clear(sound: Sound) -> bool:
    """Whether hardly anything is heard in ``sound`` (samples,) beside its loudest parts."""
    parts = sound[: sound.size // _SHORT_SAMPLES * _SHORT_SAMPLES].reshape(-1, _SHORT_SAMPLES)
    levels_db = 10 * np.log10((parts**2).mean(axis=1) + 1e-10)
    loud_db, quiet_db = np.percentile(levels_db, (95, 15))
    return bool(loud_db > _LOUD_DB and loud_db - quiet_db > _CLEAR_DB)


def _read(paths: Sequence[Path], progress: Progress) -> list[Sound]:
    found = []
    for index, path in enumerate(paths):
        found.append(without_offset(read_pcm(path) / 32768.0))
        progress("reading recordings", index + 1, len(paths))
    return found


def _at_speeds(sound: Sound, speeds: Sequence[float]) -> list[Sound]:
    return [
        sound if speed == 1 else np.asarray(soxr.resample(sound, RATE_HZ * speed, RATE_HZ), np.float32)
        for speed in speeds
    ]


def _split(paths: Sequence[Path], first: int) -> tuple[list[Path], list[Path]]:
    kept = [path for index, path in enumerate(paths) if index % HELD_OUT_EVERY == first]
    return [path for path in paths if path not in kept], kept


def _split_noise(folder: Path, limit: int | None) -> tuple[list[Path], list[Path]]:
    if not (folder / esc50.TABLE).is_file():
        return _split(files_of(folder)[:limit], first=_FIRST_NOISE)
    corpus = esc50.find(folder)
    last = max(clip.split for clip in corpus.clips)
    learned = [clip.path for clip in corpus.clips if clip.split != last]
    return learned[:limit], [clip.path for clip in corpus.clips if clip.split == last]


def _training(folder: Path) -> list[Path]:
    """Clips of the split ``training`` where there is one."""
    return files_of(folder / TRAINING if (folder / TRAINING).is_dir() else folder)


def _described(folder: Path, clips: int) -> DataSet:
    if (folder / esc50.TABLE).is_file():
        corpus = esc50.find(folder)
        return DataSet(name=corpus.name, licence=corpus.licence, source=corpus.source, clips=clips)
    name = folder.resolve().name
    known = _KNOWN.get(name)
    if known is None:
        return DataSet(name=name[:100], licence="not stated", source="recordings of one's own", clips=clips)
    part = f"{known.name}, noises" if name == "_background_noise_" else known.name
    return DataSet(name=part, licence=known.licence, source=known.source, clips=clips)
