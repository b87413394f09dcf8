"""Hears everything once, and lets each measure look at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contract.bundle import Bundle
from contract.manifest import CLASSIFIER, PREPROCESS, is_target
from model_build.dataset import Pcm, Progress, load_recordings
from model_build.evaluate import hear
from model_build.report.alarms import Asked, weigh_alarms
from model_build.report.calibration import calibrate
from model_build.report.clip_scores import Share, confusion, right_share, score_clips, separations, share
from model_build.report.figures import ClassifierFigures
from model_build.report.latency import measure_latency, word_span
from model_build.report.nothing import Quiet, judge_nothing, nothings
from model_build.report.passages import Passage, embed
from model_build.report.reading import find_clips
from model_build.report.rules import Rules
from model_build.report.streams import count_alarms, hear_stream, sound_files, surroundings
from model_build.report.treatments import TREATMENTS
from model_build.runtime import Classifier, Frontend
from model_build.shape import STEP_FRAMES

Labelled = Sequence[tuple[str, Pcm]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a bundle is to be measured on."""

    data: Path
    split: str | None = None
    streams: tuple[Path, ...] = ()
    limit: int | None = None
    """At most so many clips of each word and split."""
    recipe: str | None = None
    """Name or path of the recipe to read ``data`` with; none: as the bundle says."""


def measure_classifier(bundle: Bundle, question: Question, progress: Progress) -> ClassifierFigures:
    """All figures of a bundle of kind ``classifier``; ``DatasetError`` if something is not there."""
    manifest, rules = bundle.manifest, Rules.of(bundle.manifest)
    for folder in question.streams:
        sound_files(folder)
    recipe, corpus = find_clips(manifest, question.data, question.recipe, question.split)
    recordings = load_recordings(recipe, corpus, progress, question.limit)
    clips = [(sound.label, sound.pcm) for sound in recordings.sounds]
    ear = _Ear(bundle, rules, progress)
    streams = [
        hear_stream(ear.frontend, ear.classifier, folder, recipe, progress) for folder in question.streams
    ]
    heard = hear(ear.frontend, ear.classifier, clips, progress)
    scores = score_clips(heard, rules)
    counts = confusion(scores, len(rules.labels))
    shares = _shares(counts, rules.labels)
    right = right_share(scores)
    passages = list(embed(_targets(clips), surroundings(streams)))
    asked = ear.ask(passages)
    latency = measure_latency(asked, [_word(passage) for passage in passages], rules)
    return ClassifierFigures(
        model=manifest.model,
        digest=bundle.digest,
        data=question.data.name,
        splits=corpus.splits(),
        labels=rules.labels,
        thresholds=rules.thresholds,
        clips=right.clips,
        accuracy=right.part,
        accuracy_interval=(right.low, right.high),
        balanced_accuracy=float(np.mean([one.part for one in shares.values()])),
        per_label={label: one.part for label, one in shares.items()},
        per_label_share=shares,
        confusion=tuple(tuple(row) for row in counts.tolist()),
        calibration=calibrate(scores),
        separation=separations(scores, rules.labels),
        alarms=weigh_alarms(
            [stream.posteriors for stream in streams], sum(stream.hours for stream in streams), asked, rules
        ),
        streams=tuple(count_alarms(stream, rules) for stream in streams),
        nothing=ear.hear_nothing(),
        treated=ear.treat(clips, right),
        latency=latency,
        latency_median_s=latency.quantile(0.5),
        latency_p95_s=latency.quantile(0.95),
        skipped=(*recordings.broken, *(sentence for stream in streams for sentence in stream.broken)),
    )


class _Ear:
    """The bundle's models, and what they are made to hear."""

    def __init__(self, bundle: Bundle, rules: Rules, progress: Progress) -> None:
        self.frontend = Frontend(bundle.files[PREPROCESS])
        self.classifier = Classifier(bundle.files[CLASSIFIER])
        self._rules, self._progress = rules, progress

    def ask(self, passages: Sequence[Passage]) -> list[Asked]:
        """What is said of each clip inside other sound."""
        asked = []
        for index, passage in enumerate(passages):
            posteriors = self.classifier.clip(self.frontend.features(passage.pcm), STEP_FRAMES)
            asked.append(Asked(label=passage.label, posteriors=posteriors, steps=passage.steps))
            self._progress("listening to clips inside other sound", index + 1, len(passages))
        return asked

    def hear_nothing(self) -> Mapping[str, Quiet]:
        """What is said of silence and noise."""
        return {
            name: judge_nothing(self.classifier.clip(self.frontend.features(pcm), STEP_FRAMES), self._rules)
            for name, pcm in nothings()
        }

    def treat(self, clips: Labelled, untreated: Share) -> Mapping[str, Share]:
        """Part of the clips that are right after each treatment."""
        shares = {"as it is": untreated}
        for name, treatment in TREATMENTS.items():

            def progress(_what: str, done: int, total: int, name: str = name) -> None:
                self._progress(f"listening to clips: {name}", done, total)

            treated = [(label, treatment(pcm)) for label, pcm in clips]
            shares[name] = right_share(
                score_clips(hear(self.frontend, self.classifier, treated, progress), self._rules)
            )
        return shares


def _targets(clips: Labelled) -> Labelled:
    return [(label, pcm) for label, pcm in clips if is_target(label)]


def _word(passage: Passage) -> tuple[int, int]:
    start, end = word_span(passage.pcm[passage.start : passage.end])
    return passage.start + start, passage.start + end


def _shares(counts: np.ndarray, labels: Sequence[str]) -> Mapping[str, Share]:
    return {
        label: share(int(row[index]), int(row.sum()))
        for index, (label, row) in enumerate(zip(labels, counts, strict=True))
        if row.any()
    }
