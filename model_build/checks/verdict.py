"""A folder as a whole: what is in it, what is wrong with it, and whether it can be trained on."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model_build.checks.check import check_recordings
from model_build.checks.finding import ERROR, Finding
from model_build.dataset import Progress, Recordings, find_corpus, load_recordings
from model_build.errors import DatasetError
from model_build.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What ``model-build check`` says."""

    clips: Mapping[str, Mapping[str, int]]
    """label → split → clips that could be read"""
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What must be put right before training."""
        return tuple(finding for finding in self.findings if finding.severity == ERROR)

    @property
    def sentence(self) -> str:
        """All in one line."""
        total = sum(sum(splits.values()) for splits in self.clips.values())
        counts = "; ".join(
            f"{label} " + ", ".join(f"{count} {split}" for split, count in sorted(splits.items()))
            for label, splits in self.clips.items()
        )
        if not self.findings:
            return f"{total} clips ({counts}): nothing is wrong with them"
        found = f"{len(self.errors)} errors, {len(self.findings) - len(self.errors)} other findings"
        return f"{total} clips ({counts}): {found}" if total else found


def verdict(recipe: Recipe, folder: Path, progress: Progress, limit: int | None = None) -> Verdict:
    """Check the recordings in ``folder``; that there is nothing to be trained on is a finding too."""
    try:
        recordings = load_recordings(recipe, find_corpus(recipe, folder), progress, limit)
    except DatasetError as error:
        return Verdict(clips={}, findings=(_nothing(str(error), folder),))
    return Verdict(clips=_counts(recipe, recordings), findings=check_recordings(recipe, recordings, limit))


def _counts(recipe: Recipe, recordings: Recordings) -> Mapping[str, Mapping[str, int]]:
    counts: dict[str, dict[str, int]] = {label: defaultdict(int) for label in recipe.labels}
    for sound in recordings.sounds:
        counts[sound.label][sound.clip.split] += 1
    return {label: splits for label, splits in counts.items() if splits}


def _nothing(sentence: str, folder: Path) -> Finding:
    return Finding(
        severity=ERROR,
        kind="nothing",
        sentence=sentence,
        advice="Put recordings into a folder for each label of the recipe, or name them in labels.csv.",
        files=(str(folder),),
    )
