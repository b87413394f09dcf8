"""Finds what would make a measurement flatter: the same in what is learnt and in what is measured. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from model_build.checks.finding import ERROR, NOTE, WARNING, Finding, about, short
from model_build.checks.place import place
from model_build.dataset import TRAINING, Sound

HARMLESS_PART = 0.01
"""Large public sets hold a few copies; up to this part of the clips they change no figure."""


def source_leaks(sounds: Sequence[Sound], chosen: bool) -> tuple[Finding, ...]:
    """Files, speakers or sources with clips in more than one split."""
    severity = ERROR if chosen else WARNING
    files, groups = defaultdict(set), defaultdict(set)
    for sound in sounds:
        files[short(sound.clip.path), str(sound.clip.path)].add(sound.clip.split)
        if sound.clip.group:
            groups[sound.clip.group].add(sound.clip.split)
    return (
        *about(
            severity,
            "leak",
            [name for (name, _), splits in files.items() if len(splits) > 1],
            "has parts in more than one split",
            "recordings have parts in more than one split",
            "Put all parts of a recording into one split: the model would be measured on what it learnt.",
        ),
        *about(
            severity,
            "leak",
            [
                f"{group} ({' and '.join(sorted(splits))})"
                for group, splits in groups.items()
                if len(splits) > 1
            ],
            "is a source of clips in more than one split",
            "speakers or sources have clips in more than one split",
            "Put all clips of each into one split: the model would be measured on voices that it knows.",
        ),
    )


def copy_findings(
    sounds: Sequence[Sound], copies: Iterable[Sequence[Sound]], chosen: bool
) -> tuple[Finding, ...]:
    """What copies mean: called differently, in two splits, or only there twice."""
    relabelled, leaking, repeated, leaked = [], [], [], 0
    for group in copies:
        if len({sound.clip.path for sound in group}) == 1:
            continue
        names = " = ".join(place(sound) for sound in group[:4]) + (" = …" if len(group) > 4 else "")
        splits = {sound.clip.split for sound in group}
        if len({sound.label for sound in group}) > 1:
            relabelled.append(names)
        elif len(splits) > 1:
            leaking.append(names)
            leaked += sum(sound.clip.split != TRAINING for sound in group)
        else:
            repeated.append(names)
    measured = sum(sound.clip.split != TRAINING for sound in sounds)
    many = leaked > HARMLESS_PART * measured
    often = len(repeated) > HARMLESS_PART * len(sounds)
    return (
        *about(
            WARNING,
            "relabelled",
            relabelled,
            "are one recording under two labels",
            "recordings have two labels",
            "Find out which label is right and remove the other copy.",
        ),
        *about(
            ERROR if chosen and many else WARNING,
            "leak",
            leaking,
            "are one recording in more than one split",
            "recordings are in more than one split",
            "Keep one copy of each: the model would be measured on what it learnt.",
        ),
        *about(
            WARNING if often else NOTE,
            "duplicate",
            repeated,
            "are one recording",
            "recordings are there more than once",
            "Keep one copy of each: copies teach nothing new and make a label look better filled than it is.",
        ),
    )
