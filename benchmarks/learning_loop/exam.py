"""What starter and candidate make of clips that nothing before has heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.learning_loop.people import Parts
from contract.audio import RATE_HZ
from contract.bundle import read_bundle
from contract.manifest import CLASSIFIER, PREPROCESS
from model_build.audio_file import read_pcm
from model_build.dataset import Pcm
from model_build.evaluate import hear
from model_build.report.rules import Rules
from model_build.runtime import Classifier, Frontend

OTHERS = "other words"
AROUND_S = 1.0
"""Quiet before and after a clip when it is heard as a node hears it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Clips, and those that were called what they are."""

    clips: int
    by_clip_rule: int
    """The label of the clip as a whole, as ``model-build evaluate`` counts."""
    as_a_node: int
    """The surest detection in a stream; of other words: none."""

    @property
    def share(self) -> float:
        """Part that was right by the clip rule."""
        return self.by_clip_rule / max(1, self.clips)


def examine(bundle: Path, parts: Parts, new_label: str) -> Mapping[str, Marks]:
    """Label, or ``OTHERS`` for words that are no label → marks; the new label first."""
    content = read_bundle(bundle.read_bytes())
    rules = Rules.of(content.manifest)
    frontend, classifier = Frontend(content.files[PREPROCESS]), Classifier(content.files[CLASSIFIER])
    labels = (new_label, *parts.targets)
    by_label: dict[str, list[Pcm]] = {label: [] for label in (*labels, OTHERS)}
    for clip in parts.exam:
        by_label[clip.word if clip.word in labels else OTHERS].append(read_pcm(clip.path))
    found = {}
    for label, clips in by_label.items():
        alone = hear(frontend, classifier, [(label, pcm) for pcm in clips], _nobody)
        streamed = hear(frontend, classifier, [(label, _within_quiet(pcm)) for pcm in clips], _nobody)
        said = [rules.labels[int(np.argmax(rules.clip_posteriors(one)))] for one in alone]
        heard = [rules.detections(one.posteriors) for one in streamed]
        detected = [max(some, key=lambda one: one.posterior).label if some else OTHERS for some in heard]
        found[label] = Marks(
            clips=len(clips),
            by_clip_rule=sum((one if one in labels else OTHERS) == label for one in said),
            as_a_node=sum(one == label for one in detected),
        )
    return found


def together(marks: Mapping[str, Marks], labels: Sequence[str]) -> Marks:
    """Several labels as one."""
    some = [marks[label] for label in labels]
    return Marks(
        clips=sum(one.clips for one in some),
        by_clip_rule=sum(one.by_clip_rule for one in some),
        as_a_node=sum(one.as_a_node for one in some),
    )


def _within_quiet(pcm: Pcm) -> Pcm:
    quiet = np.random.default_rng(0).normal(scale=8.0, size=round(AROUND_S * RATE_HZ))
    around = np.round(quiet).astype(np.int16)
    return np.concatenate([around, pcm, around])


def _nobody(_what: str, _done: int, _total: int) -> None:
    """Progress that is not shown."""
