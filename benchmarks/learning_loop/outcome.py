"""What came of a run of the loop, and whether it is what it should be. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.learning_loop.exam import Marks, together

RECALL_LEAST: Final = 0.85
LOSS_MOST: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run."""

    new_label: str
    poisoned: bool
    heard: Mapping[str, int]
    """What can be heard in the windows that nodes sent → how many windows."""
    reviews: Mapping[str, int]
    """Answers given → how often; skips are none."""
    wrong: int
    """Answers that were wrong on purpose."""
    card_mean_ms: float
    card_p50_ms: float
    card_p95_ms: float
    """From a key to the next card with its picture."""
    training: str
    """What the page says came of the training."""
    passed: bool
    sentences: tuple[str, ...]
    """What the gate's rules say; those that refuse first."""
    before: Mapping[str, Marks]
    """The starter's marks in the exam, by label."""
    after: Mapping[str, Marks]
    """The candidate's; empty without one."""
    seconds: Mapping[str, float]
    """What took how long."""

    @property
    def old(self) -> tuple[str, ...]:
        """What the starter knows: its labels, and words that are none."""
        return tuple(label for label in self.before if label != self.new_label)

    @property
    def cards_per_minute(self) -> float:
        """That the page would deal to somebody who answers at once."""
        return 60_000 / self.card_mean_ms

    def failures(self) -> tuple[str, ...]:
        """What is not as it should be, a sentence each."""
        if not self.after:
            return (f"no candidate: {self.training}",)
        if self.poisoned:
            return ("the gate passed a candidate that learned from wrong answers",) if self.passed else ()
        found = [] if self.passed else ["the gate refused the candidate"]
        recall = self.after[self.new_label].share
        if recall < RECALL_LEAST:
            found.append(f"recall of {self.new_label} is {recall:.1%}, below {RECALL_LEAST:.0%}")
        loss = together(self.before, self.old).share - together(self.after, self.old).share
        if loss > LOSS_MOST + 1e-9:
            found.append(f"old labels lose {100 * loss:.1f} points, more than {100 * LOSS_MOST:.0f}")
        return tuple(found)

    def to_plain(self) -> dict[str, Any]:
        """For ``--json``."""
        plain = asdict(self)
        for name in ("before", "after"):
            plain[name] = {label: asdict(marks) for label, marks in getattr(self, name).items()}
        return plain | {
            "cards_per_minute": round(self.cards_per_minute, 1),
            "failures": list(self.failures()),
            "holds": not self.failures(),
        }


def table(outcome: Outcome) -> str:
    """For people, as Markdown."""
    lines = [
        f"{sum(outcome.heard.values())} windows: {_counts(outcome.heard)}",
        f"{sum(outcome.reviews.values())} reviews, {outcome.wrong} of them wrong: {_counts(outcome.reviews)}",
        f"a card takes {outcome.card_p50_ms:.0f} ms (p95 {outcome.card_p95_ms:.0f} ms) from key to next card:"
        f" {outcome.cards_per_minute:.0f} a minute, if answered at once",
        f"the gate {'passes' if outcome.passed else 'refuses'} the candidate:",
        *(f"- {sentence}" for sentence in outcome.sentences),
    ]
    if outcome.after:
        lines += [
            "",
            "| held-out clips | clips | starter | candidate | as a node detects |",
            "|---|---|---|---|---|",
            *(_row(label, outcome.before[label], outcome.after[label]) for label in outcome.before),
            _row("old together", together(outcome.before, outcome.old), together(outcome.after, outcome.old)),
        ]
    lines.append("")
    lines += [f"falls short: {sentence}" for sentence in outcome.failures()] or ["as it should be"]
    return "\n".join(lines)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda one: -one[1]))


def _row(label: str, before: Marks, after: Marks) -> str:
    shares = [f"{100 * one.share:.1f} %" for one in (before, after)]
    node = f"{before.as_a_node} → {after.as_a_node}"
    return f"| {label} | {before.clips} | {shares[0]} | {shares[1]} | {node} |"
