"""A finished bundle on recordings it did not learn from."""

import dataclasses
from pathlib import Path

from contract.bundle import Bundle
from contract.manifest import CLASSIFIER, PREPROCESS
from model_build.dataset import TRAINING, Progress, find_corpus, load_recordings
from model_build.errors import DatasetError
from model_build.evaluate import Score, hear, score
from model_build.recipe import load_recipe
from model_build.runtime import Classifier, Frontend


def measure(
    bundle: Bundle, folder: Path, split: str | None, progress: Progress, limit: int | None = None
) -> tuple[Score, tuple[str, ...]]:
    """The bundle's score on ``split`` of the data set in ``folder``, and which files were skipped."""
    manifest = bundle.manifest
    recipe = load_recipe(manifest.recipe)
    corpus = find_corpus(recipe, folder)
    wanted = [name for name in corpus.splits() if (name == split if split else name != TRAINING)]
    if not wanted:
        raise DatasetError(f"{folder}: has no split {split!r}; it has {', '.join(corpus.splits())}")
    chosen = dataclasses.replace(corpus, clips=tuple(c for c in corpus.clips if c.split in wanted), noises=())
    recordings = load_recordings(recipe, chosen, progress, limit)
    clips = [(sound.label, sound.pcm) for sound in recordings.sounds]
    decision = dataclasses.replace(
        recipe.decision, clip_rule=manifest.clip_rule, clip_gate_db=manifest.clip_gate_db
    )
    models = Frontend(bundle.files[PREPROCESS]), Classifier(bundle.files[CLASSIFIER])
    return score(hear(*models, clips, progress), manifest.labels, decision), recordings.broken
