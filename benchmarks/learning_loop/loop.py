"""The steps of a run, one after the other, each timed."""

import argparse
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aggregator.demo.children import Children
from benchmarks.learning_loop.exam import Marks, examine
from benchmarks.learning_loop.fleet import REVIEWER, Fleet
from benchmarks.learning_loop.oracle import Oracle
from benchmarks.learning_loop.outcome import Outcome
from benchmarks.learning_loop.people import Parts, divide
from benchmarks.learning_loop.replay import reels
from benchmarks.learning_loop.starter import Budget, Starter, negatives_of, starter
from contract.bundle import read_bundle
from contract.manifest import PREPROCESS
from tests.aggregator.web.browser import Browser
from tests.system.reviewer import SKIP, ReadVerdict, Reviewer, mistaken

POISON = 1 / 3
TELL_EVERY_S = 5.0
LOOK_S = 1.0
"""A person looks at a card for longer than that. Meanwhile the order of the queue follows the answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What was answered, and how fast the page dealt cards."""

    answers: Mapping[str, int]
    wrong: int
    paces_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the fleet and the reviewer came to."""

    heard: Mapping[str, int]
    """What is heard in the windows that the nodes sent → how many."""
    reviewed: Reviewed
    training: str
    verdict: ReadVerdict | None
    candidate: Path | None
    """None: the training made none."""


def run(options: argparse.Namespace) -> Outcome:
    """From recordings to a verdict and marks."""
    loop = Loop(options)
    known = loop.train()
    learned = loop.learn(known)
    before, after = loop.examine(known, learned.candidate)
    refused = learned.verdict.refused if learned.verdict else ()
    passed = learned.verdict.passed if learned.verdict else ()
    return Outcome(
        new_label=options.new_label,
        poisoned=options.poison,
        heard=dict(learned.heard),
        reviews=dict(learned.reviewed.answers),
        wrong=learned.reviewed.wrong,
        card_mean_ms=round(float(np.mean(learned.reviewed.paces_ms)), 1),
        card_p50_ms=round(float(np.percentile(learned.reviewed.paces_ms, 50)), 1),
        card_p95_ms=round(float(np.percentile(learned.reviewed.paces_ms, 95)), 1),
        training=learned.training,
        passed=learned.verdict is not None and not refused,
        sentences=(*refused, *passed),
        before=before,
        after=after,
        seconds=loop.seconds,
    )


class Loop:
    """One run; its work folder keeps the starter, and what the last run left."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._work: Path = options.work.resolve()
        self._last = self._work / "last"
        shutil.rmtree(self._last, ignore_errors=True)
        self._last.mkdir(parents=True)
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
        self._parts: Parts = divide(options.data, options.new_label)
        self.seconds: dict[str, float] = {}

    def train(self) -> Starter:
        """The starter, trained if the work folder has it not."""
        options = self._options
        with self._timed("the starter"):
            budget = Budget(epochs=options.epochs, copies=options.copies)
            return starter(self._parts, negatives_of(options.data), budget, self._work)

    def learn(self, known: Starter) -> Learned:
        """Let the fleet listen, review, retrain, and read the verdict."""
        new_label = self._options.new_label
        played = reels(self._parts, new_label, self._last / "reels", self._options.seed)
        labels = (*self._parts.targets, new_label)
        oracle = Oracle(played, read_bundle(known.bundle.read_bytes()).files[PREPROCESS], labels)
        with Children(self._last) as children, self._browser() as browser:
            with self._timed("starting the fleet"):
                fleet = Fleet(children, self._last, known, self._options.retrain_epochs)
            with closing(fleet):
                with self._timed("listening"):
                    fleet.play(played)
                truth = {one: oracle.said(*fleet.window(one)) for one in fleet.windows()}
                part = POISON if self._options.poison else 0.0
                told = mistaken(truth, labels, part=part, seed=self._options.seed)
                reviewer = Reviewer(browser, fleet.address, REVIEWER)
                reviewer.arrive(fleet.password)
                reviewer.add_label(new_label)
                reviewed = self._review(reviewer, told, truth)
                with self._timed("retraining"):
                    training = reviewer.retrain(Teller())
                candidate = fleet.candidate()
                verdict = reviewer.verdict() if candidate else None
                self._picture(browser, "gate")
        return Learned(
            heard=Counter(truth.values()),
            reviewed=reviewed,
            training=training,
            verdict=verdict,
            candidate=candidate,
        )

    def examine(
        self, known: Starter, candidate: Path | None
    ) -> tuple[Mapping[str, Marks], Mapping[str, Marks]]:
        """The marks of both."""
        with self._timed("the exam"):
            before = examine(known.bundle, self._parts, self._options.new_label)
            after = examine(candidate, self._parts, self._options.new_label) if candidate else {}
        return before, after

    def _review(self, reviewer: Reviewer, told: Mapping[int, str], truth: Mapping[int, str]) -> Reviewed:
        given: list[int] = []

        def said(window_id: int) -> str:
            time.sleep(LOOK_S)
            given.extend([window_id] if told[window_id] != SKIP else [])
            return told[window_id]

        with self._timed("reviewing"):
            paces_ms = reviewer.review(self._options.reviews, said)
        self._picture(reviewer.browser, "review")
        return Reviewed(
            answers=Counter(told[window] for window in given),
            wrong=sum(told[window] != truth[window] for window in given),
            paces_ms=tuple(paces_ms),
        )

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        say(f"{what} ...")
        begun_s = time.monotonic()
        yield
        self.seconds[what] = round(time.monotonic() - begun_s, 1)

    @contextmanager
    def _browser(self) -> Iterator[Browser]:
        made = Browser(self._last / "profile")
        try:
            yield made
        finally:
            made.driver.quit()

    def _picture(self, browser: Browser, name: str) -> None:
        if self._options.out:
            (self._options.out / f"{name}.png").write_bytes(browser.driver.get_screenshot_as_png())


class Teller:
    """Says what the page of a training says, now and then."""

    def __init__(self) -> None:
        self._told, self._told_s = "", 0.0

    def __call__(self, line: str) -> None:
        if line != self._told and time.monotonic() - self._told_s > TELL_EVERY_S:
            say(f"  {line}")
            self._told, self._told_s = line, time.monotonic()


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
