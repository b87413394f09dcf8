"""All checks of recordings, before anything is trained on them."""

from collections.abc import Iterable, Sequence

from model_build.checks.amounts import amount_findings
from model_build.checks.duplicates import duplicates
from model_build.checks.finding import ERROR, Finding, in_order
from model_build.checks.leaks import copy_findings, source_leaks
from model_build.checks.signal import faults, signal_findings
from model_build.dataset import Recordings
from model_build.errors import DatasetError
from model_build.recipe import Recipe


def check_recordings(recipe: Recipe, recordings: Recordings, limit: int | None = None) -> tuple[Finding, ...]:
    """What is wrong with ``recordings`` for ``recipe``, the most severe first; nothing is raised.

    ``limit`` is what ``load_recordings`` was given: who wants few clips is not told that they are few.
    """
    sounds, chosen = recordings.sounds, recordings.corpus.chosen_splits
    found = [faults(sound.pcm) for sound in sounds]
    heard = [s for s, fault in zip(sounds, found, strict=True) if not (fault.silent or fault.constant)]
    copies = duplicates([sound.pcm for sound in heard], [sound.clip.word for sound in heard])
    return in_order(
        [
            *recordings.findings,
            *amount_findings(recipe, recordings, heard, limit),
            *source_leaks(sounds, chosen),
            *copy_findings(sounds, ([heard[index] for index in group] for group in copies), chosen),
            *signal_findings(sounds, found, recipe.clip_s),
        ]
    )


def require_trainable(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with which training can go on; ``DatasetError`` with all the errors if there are any."""
    listed = tuple(findings)
    errors = [finding for finding in listed if finding.severity == ERROR]
    if errors:
        raise DatasetError(_sentence(errors))
    return listed


def _sentence(errors: Sequence[Finding]) -> str:
    first = "; ".join(f"{finding.sentence}. {finding.advice}" for finding in errors)
    return f"the recordings cannot be trained on: {first}"
