"""A finished bundle on recordings it did not learn from: how many clips are right."""

from pathlib import Path

from contract.bundle import Bundle
from contract.manifest import CLASSIFIER, PREPROCESS
from model_build.dataset import Progress, load_recordings
from model_build.evaluate import Score, hear, score
from model_build.report.reading import find_clips
from model_build.report.rules import Rules
from model_build.runtime import Classifier, Frontend


def measure(
    bundle: Bundle, folder: Path, split: str | None, progress: Progress, limit: int | None = None
) -> tuple[Score, tuple[str, ...]]:
    """The bundle's score on ``split`` of the data set in ``folder``, and which files were skipped."""
    recipe, corpus = find_clips(bundle.manifest, folder, None, split)
    recordings = load_recordings(recipe, corpus, progress, limit)
    clips = [(sound.label, sound.pcm) for sound in recordings.sounds]
    models = Frontend(bundle.files[PREPROCESS]), Classifier(bundle.files[CLASSIFIER])
    heard = hear(*models, clips, progress)
    return score(heard, bundle.manifest.labels, Rules.of(bundle.manifest)), recordings.broken
