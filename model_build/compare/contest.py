"""One comparison: every contender, every seed, every round, each trained once and judged once."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_build.compare.alarms import count_alarms
from model_build.compare.bench import Bench, Round
from model_build.compare.contender import Contender, Plain
from model_build.compare.names import MODELS, NEURAL
from model_build.compare.results import Result, Store
from model_build.dataset import Progress
from model_build.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """What is compared on what."""

    recipe: Recipe
    models: tuple[str, ...]
    seeds: int
    data: str
    """Fingerprint of the recordings, of how many are used, and of the streams."""

    def entries(self, rounds: Sequence[Round]) -> Iterator[tuple[int, str, Round]]:
        """Seed, model and round of every training; cheap models first, and each seed after the other."""
        order = [name for name in reversed(MODELS) if name in self.models]
        for index in range(self.seeds):
            for model in order:
                for split in rounds:
                    yield self.recipe.training.seed + index, model, split


def contender(model: str, recipe: Recipe) -> Contender:
    """The contender of that name."""
    if model in NEURAL:
        from model_build.compare.neural import Neural

        return Neural(model, recipe)
    if model == "templates":
        from model_build.compare.templates import Templates

        return Templates(recipe)
    from model_build.compare.classical import Classical
    from model_build.compare.method import METHODS

    return Classical(METHODS[model], recipe)


def run(
    contest: Contest,
    bench: Bench,
    stream: NDArray[np.int8] | None,
    store: Store,
    progress: Progress,
) -> list[Result]:
    """All results; those that ``store`` keeps are taken from there."""
    results = []
    entries = list(contest.entries(bench.rounds))
    for index, (seed, model, split) in enumerate(entries):
        named = _titled(progress, f"[{index + 1}/{len(entries)}] ")
        entry = _Entry(contest, bench, stream, store, model, split, named)
        results.append(entry.result(seed))
    return results


class _Entry:
    """One model in one round."""

    def __init__(
        self,
        contest: Contest,
        bench: Bench,
        stream: NDArray[np.int8] | None,
        store: Store,
        model: str,
        split: Round,
        progress: Progress,
    ) -> None:
        self._contest, self._bench, self._stream, self._store = contest, bench, stream, store
        self._model, self._split, self._progress = model, split, progress
        self._contender = contender(model, contest.recipe)

    def result(self, seed: int) -> Result:
        """Kept from before, or made now."""
        name = f"{self._model} seed {seed} {self._split.name}"
        depends = {**self._depends(), "seed": seed}
        kept = self._store.result(name, depends)
        if kept is not None:
            return kept
        made = self._make(seed)
        self._store.keep(name, depends, made)
        return made

    def _make(self, seed: int) -> Result:
        bench, split, contender = self._bench, self._split, self._contender
        settings = self._settings()
        lessons = bench.lessons(split, seed, contender.copies)
        started_s = time.process_time()
        fitted = contender.fit(lessons, settings, seed, self._progress)
        fit_s = time.process_time() - started_s
        clips = bench.judged(split)
        approaches = bench.approaches(split)
        return Result(
            model=self._model,
            seed=seed,
            round=split.name,
            settings=settings,
            examples=sum(len(part.features) for part in (lessons.plain, *lessons.copies)),
            fit_s=fit_s,
            truth=tuple(clips.truth.tolist()),
            said=tuple(fitted.decide(clips).tolist()),
            alarms=count_alarms(fitted, self._contest.recipe, approaches, self._stream),
            forms=fitted.forms(clips),
        )

    def _settings(self) -> Plain:
        """Tuned once for each round, on the first seed's examples; the other seeds use the same."""
        name, depends = f"{self._model} tuned {self._split.name}", self._depends()
        kept = self._store.plain(name, depends)
        if kept is None:
            first = self._contest.recipe.training.seed
            lessons = self._bench.lessons(self._split, first, self._contender.copies)
            kept = dict(self._contender.tune(lessons, self._progress))
            self._store.keep_plain(name, depends, kept)
        return kept

    def _depends(self) -> dict[str, Any]:
        """All that a result follows from, but for the seed."""
        plain = dataclasses.asdict(self._contest.recipe)
        plain["augment"]["copies"] = self._contender.copies
        if self._model not in NEURAL:
            # Settings of networks: another budget for them changes nothing here.
            plain["network"] = plain["training"]["epochs"] = None
        return {"recipe": plain, "data": self._contest.data, "model": self._model}


def _titled(progress: Progress, title: str) -> Progress:
    def titled(what: str, done: int, total: int) -> None:
        progress(title + what, done, total)

    return titled
