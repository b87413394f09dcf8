"""From clean speech and noise to a bundle: read, train, export, prove, measure, pack."""

import dataclasses
import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from contract.audio import RATE_HZ
from model_build.audio.noisy import mixed
from model_build.audio.scores import Judge
from model_build.dataset import Pcm, Progress
from model_build.denoise.bundle import make_denoise_bundle
from model_build.denoise.export import LEAST_PARITY_DB, check_parity, export_denoiser, streaming_equality
from model_build.denoise.recipe import DenoiseRecipe
from model_build.denoise.sources import Found, Places, find
from model_build.denoise.training import train
from model_build.errors import DatasetError
from model_build.parity_report import Part
from model_build.runtime import Denoiser
from model_build.work import WorkFolder

MEASURED_SNR_DB = 5.0
_PARITY_SOUNDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiserBuilt:
    """A bundle and what was measured on recordings that it did not learn from."""

    content: bytes
    metrics: Mapping[str, float]


def build(
    recipe: DenoiseRecipe,
    places: Places,
    progress: Progress,
    *,
    work: Path | None = None,
    limit: int | None = None,
) -> DenoiserBuilt:
    """The bundle that ``recipe`` makes of the recordings; what ``work`` holds of it is not done again."""
    found = find(places, recipe.mixing.speeds, progress, limit)
    kept = WorkFolder.open(work, _key(recipe, found)) if work is not None else None
    network = train(recipe, found.sources, kept, progress)
    content = export_denoiser(network.arrays())
    clean = [pcm for pcm in found.held_out.speech if pcm.size >= RATE_HZ]
    if not clean or not found.held_out.noises:
        raise DatasetError("too few recordings: none is left to measure on")
    noisy = mixed(clean, np.concatenate(found.held_out.noises), MEASURED_SNR_DB)
    parity_db = check_parity(content, network, noisy[:_PARITY_SOUNDS])
    equal = streaming_equality(content, noisy[0])
    metrics = {
        **_measure(content, clean, noisy, progress),
        "parity_db": parity_db,
        "training_steps": float(recipe.training.steps),
        "training_seconds": sum(sound.size for sound in found.sources.speech) / RATE_HZ,
    }
    proof: dict[str, Part] = {
        "denoiser": {"float_db": round(parity_db, 3), "float_db_least": LEAST_PARITY_DB},
        "streamed": {"frames": noisy[0].size, "equal": {str(hops): same for hops, same in equal.items()}},
    }
    bundle = make_denoise_bundle(recipe, content, metrics=metrics, datasets=found.datasets, proof=proof)
    return DenoiserBuilt(content=bundle, metrics=metrics)


def _measure(
    content: bytes, clean: Sequence[Pcm], noisy: Sequence[Pcm], progress: Progress
) -> dict[str, float]:
    """Means over the recordings that can be judged, before and after."""
    denoiser, judge = Denoiser(content), Judge()
    rows = []
    for index, (one, heard) in enumerate(zip(clean, noisy, strict=True)):
        before, after = judge.score(one, heard), judge.score(one, denoiser.clean(heard))
        if before is not None and after is not None:
            rows.append((before, after))
        progress("measuring", index + 1, len(clean))
    if not rows:
        raise DatasetError("no held-out recording is long and loud enough to be judged")
    metrics = {"recordings": float(len(rows)), "snr_db": MEASURED_SNR_DB}
    for place, word in enumerate(("noisy", "denoised")):
        metrics[f"{word}_stoi"] = fmean(row[place].stoi for row in rows)
        metrics[f"{word}_si_sdr_db"] = fmean(row[place].si_sdr_db for row in rows)
        heard_pesq = [row[place].pesq for row in rows]
        if all(value is not None for value in heard_pesq):
            metrics[f"{word}_pesq"] = fmean(value for value in heard_pesq if value is not None)
    return metrics


def _key(recipe: DenoiseRecipe, found: Found) -> Mapping[str, Any]:
    """All that a training depends on."""
    content = hashlib.sha256()
    for sounds in (found.sources.speech, found.sources.words, *found.sources.noises):
        for sound in sounds:
            content.update(sound.tobytes())
    parts = ("network", "training", "loss", "mixing")
    return {
        "recipe": {part: dataclasses.asdict(getattr(recipe, part)) for part in parts},
        "recordings": content.hexdigest(),
        "versions": {name: importlib.metadata.version(name) for name in ("soundpost", "numpy")},
    }
