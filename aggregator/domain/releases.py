"""The gate, and what may become of a release: pure rules."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from aggregator.domain import gate_rules
from aggregator.domain.figures import Figures, reported
from aggregator.domain.gate_limits import Limits
from aggregator.domain.gate_rules import Pair, Rule
from aggregator.errors import ReleaseError

WAITING, ACCEPTED, REFUSED = "waiting", "accepted", "refused"
"""States of a release: passed the gate and waits for a person, may be rolled out, may not."""
ACCEPT, REFUSE = "accept", "refuse"
LONGEST_REASON: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate says of a candidate."""

    rules: tuple[Rule, ...]

    @property
    def passed(self) -> bool:
        """Whether every rule passed."""
        return all(rule.passed for rule in self.rules)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences of the rules that refused."""
        return tuple(rule.sentence for rule in self.rules if not rule.passed)

    def to_plain(self) -> dict[str, Any]:
        """As it is stored."""
        return {"passed": self.passed, "rules": [asdict(rule) for rule in self.rules]}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Verdict":
        """What ``to_plain`` wrote."""
        rules = (Rule(**{**rule, "windows": tuple(rule.get("windows", ()))}) for rule in plain["rules"])
        return cls(rules=tuple(rules))


def judge(candidate: Figures, incumbent: Figures, limits: Limits) -> Verdict:
    """Whether ``candidate`` may replace ``incumbent``, by every rule, each with its sentence.

    Raises ``FiguresError`` if they were not judged on the same items.
    """
    windows = gate_rules.pairs_of(candidate.windows, incumbent.windows, "windows")
    clips = gate_rules.pairs_of(candidate.clips, incumbent.clips, "base clips")
    return Verdict(
        rules=(
            gate_rules.keeps_labels(candidate, incumbent),
            *_accuracy(windows, clips, incumbent, limits),
            *_by_label(windows + clips, incumbent, limits),
            *_new(candidate, incumbent, limits),
            *_reviews(candidate, limits),
            *_alarms(candidate, incumbent, limits),
            *_fit_for_nodes(candidate, incumbent, limits),
        )
    )


def _accuracy(
    windows: Sequence[Pair], clips: Sequence[Pair], incumbent: Figures, limits: Limits
) -> list[Rule]:
    # What the incumbent cannot know would hide what the candidate has forgotten.
    known = {None, *incumbent.targets}
    compared = (
        ("windows", "accuracy on reviewed windows", [pair for pair in windows if pair.truth in known]),
        ("clips", "accuracy on base clips", [pair for pair in clips if pair.truth in known]),
    )
    return [
        gate_rules.not_worse(
            name, what, pairs, chance=limits.chance,
            tolerance=limits.accuracy_tolerance, most=limits.accuracy_loss_most,
        )
        for name, what, pairs in compared
    ]  # fmt: skip


def _by_label(pairs: Sequence[Pair], incumbent: Figures, limits: Limits) -> list[Rule]:
    named: list[tuple[str, str, str | None]] = [
        (f"label {label}", f"recall of {label}", label) for label in incumbent.targets
    ]
    named.append(("nothing", "items without a target that are left alone", None))
    # Of many labels one looks bad by chance alone: together they may do so as seldom as a single one.
    chance = limits.chance / len(named)
    return [
        gate_rules.not_worse(
            name, what, [pair for pair in pairs if pair.truth == truth],
            chance=chance, tolerance=limits.label_tolerance, most=limits.label_loss_most,
        )
        for name, what, truth in named
    ]  # fmt: skip


def _new(candidate: Figures, incumbent: Figures, limits: Limits) -> list[Rule]:
    new = gate_rules.new_labels(candidate, incumbent)
    if not new:
        return []
    # Of a label that neither knows the candidate is not to blame for saying nothing.
    known = {None, *candidate.targets}
    asked = [one for one in candidate.windows if reported(one.truth) in known]
    found = [gate_rules.finds_new_label(label, candidate.windows, limits) for label in new]
    return [*found, gate_rules.agrees_with_reviews(asked, limits)]


def _reviews(candidate: Figures, limits: Limits) -> list[Rule]:
    return [gate_rules.confirmed_by_others(candidate.reviews, limits)] if candidate.reviews else []


def _alarms(candidate: Figures, incumbent: Figures, limits: Limits) -> list[Rule]:
    tolerance, chance = limits.false_alarms_tolerance_per_hour, limits.chance
    return [
        gate_rules.no_more_alarms(
            "false alarms", "false alarms", candidate.streams, incumbent.streams,
            tolerance=tolerance, chance=chance,
        ),
        gate_rules.quiet_in_silence(candidate.silence, incumbent.silence, limits),
        gate_rules.no_more_alarms(
            "noise", "detections in noise", candidate.noise, incumbent.noise,
            tolerance=tolerance, chance=chance,
        ),
    ]  # fmt: skip


def _fit_for_nodes(candidate: Figures, incumbent: Figures, limits: Limits) -> list[Rule]:
    return [
        gate_rules.quantized_well(candidate, incumbent, limits),
        gate_rules.not_heavier(
            "size", "size of the bundle", candidate.size_bytes, incumbent.size_bytes,
            limits.size_factor_most, gate_rules.kilobytes,
        ),
        gate_rules.not_heavier(
            "cost", "computing time per second of sound", candidate.cost_ms_per_s, incumbent.cost_ms_per_s,
            limits.cost_factor_most, gate_rules.milliseconds,
        ),
    ]  # fmt: skip


def state_of(*, passed: bool, decisions: Sequence[str]) -> str:
    """The state of a release: what was decided last, else what the gate said.

    >>> state_of(passed=False, decisions=[]), state_of(passed=False, decisions=["accept"])
    ('refused', 'accepted')
    """
    if decisions:
        return ACCEPTED if decisions[-1] == ACCEPT else REFUSED
    return WAITING if passed else REFUSED


def check_decision(decision: str, *, passed: bool, decisions: Sequence[str], reason: str) -> str:
    """The reason as it is recorded; ``ReleaseError`` if the release may not be decided on so.

    Whoever accepts over a refusal, or refuses, must say why.
    """
    state, said = state_of(passed=passed, decisions=decisions), " ".join(reason.split())
    if len(said) > LONGEST_REASON:
        raise ReleaseError(f"a reason has at most {LONGEST_REASON} characters")
    if decision == ACCEPT:
        if state == ACCEPTED:
            raise ReleaseError("this release is accepted already")
        if state == REFUSED and not said:
            raise ReleaseError("this release was refused: say why it is accepted all the same")
    elif decision == REFUSE:
        if state == REFUSED:
            raise ReleaseError("this release is refused already")
        if not said:
            raise ReleaseError("say why this release is refused")
    else:
        raise ReleaseError(f"a decision is {ACCEPT} or {REFUSE}, not {decision!r}")
    return said
