"""Whether there is enough to learn from and to measure on. Pure."""

from collections import Counter
from collections.abc import Sequence

from model_build.checks.finding import ERROR, NOTE, WARNING, Finding, some
from model_build.dataset import TRAINING, VALIDATION, Recordings, Sound
from model_build.recipe import Recipe

LEAST_TRAINING = 5
"""A label with fewer clips to learn from cannot be trained at all."""
GOOD_TRAINING = 20
"""With fewer a model knows these recordings, and not much of the sound."""
UNEVEN = 10


def amount_findings(
    recipe: Recipe, recordings: Recordings, sounds: Sequence[Sound], limit: int | None
) -> tuple[Finding, ...]:
    """Labels with too few of the ``sounds`` that can be heard; a ``limit`` is somebody's own wish."""
    learnt = {label: _to_learn_from(recipe, sounds, label) for label in recipe.targets}
    least = min(LEAST_TRAINING, limit or LEAST_TRAINING)
    good = min(GOOD_TRAINING, limit or GOOD_TRAINING)
    too_few = [f"{label} ({count})" for label, count in learnt.items() if count < least]
    few = [f"{label} ({count})" for label, count in learnt.items() if least <= count < good]
    return (
        *_finding(
            bool(too_few),
            ERROR,
            "few",
            f"fewer than {least} clips to learn from: {', '.join(too_few)}",
            f"Record more; {GOOD_TRAINING} of each label are a beginning, a hundred are good.",
        ),
        *_finding(
            bool(few),
            WARNING,
            "few",
            f"fewer than {good} clips to learn from: {some(few)}",
            "It works, but poorly in other rooms and for other voices: record more.",
        ),
        *_to_measure_on(recipe, sounds),
        *_balance(learnt),
        *_background(recipe, recordings, sounds),
    )


def _to_learn_from(recipe: Recipe, sounds: Sequence[Sound], label: str) -> int:
    """Clips in training; where folds take turns, what is left when the largest is held out."""
    splits = Counter(sound.clip.split for sound in sounds if sound.label == label)
    if recipe.layout == "esc50":
        return splits.total() - max(splits.values(), default=0)
    return splits[TRAINING]


def _to_measure_on(recipe: Recipe, sounds: Sequence[Sound]) -> tuple[Finding, ...]:
    if recipe.layout == "esc50":
        return ()
    measured = {sound.label for sound in sounds if sound.clip.split == VALIDATION}
    unmeasured = [label for label in recipe.targets if label not in measured]
    advice = "Record them a second time, into other files: what comes from one file stays in one split."
    nothing = len(unmeasured) == len(recipe.targets)
    return _finding(
        bool(unmeasured),
        ERROR if nothing else WARNING,
        "unmeasured",
        f"no clip to measure on: {', '.join(unmeasured)}",
        advice,
    )


def _balance(learnt: dict[str, int]) -> tuple[Finding, ...]:
    most, least = max(learnt, key=learnt.__getitem__), min(learnt, key=learnt.__getitem__)
    return _finding(
        0 < UNEVEN * learnt[least] < learnt[most],
        WARNING,
        "uneven",
        f"{most} has {learnt[most]} clips to learn from, {least} has {learnt[least]}",
        f"Record more of {least}: a model leans to what it hears often.",
    )


def _background(recipe: Recipe, recordings: Recordings, sounds: Sequence[Sound]) -> tuple[Finding, ...]:
    has_unknown = any(sound.label == recipe.unknown for sound in sounds)
    return (
        *_finding(
            recipe.unknown is not None and not has_unknown,
            WARNING,
            "no-unknown",
            f"no clips of {recipe.unknown}: other sounds will be taken for the labels",
            f"Put recordings of what must not be detected into the folder {recipe.unknown}.",
        ),
        *_finding(
            recipe.layout == "clips" and not recordings.noises,
            NOTE,
            "no-noise",
            "no background recordings: only made noise is mixed in",
            "Put a few minutes of the place where nodes will hang into _background_noise_.",
        ),
    )


def _finding(is_so: bool, severity: str, kind: str, sentence: str, advice: str) -> tuple[Finding, ...]:
    return (Finding(severity=severity, kind=kind, sentence=sentence, advice=advice),) if is_so else ()
