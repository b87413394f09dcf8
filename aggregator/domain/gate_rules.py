"""The rules of the gate, one function each: figures in, a sentence for people out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from aggregator.domain.alarm_rates import Alarms, chance_of_rise
from aggregator.domain.binomial_interval import chance_of_fewer, share_interval
from aggregator.domain.bootstrap_interval import Pairs, interval
from aggregator.domain.figures import Answer, Checked, Figures, reported
from aggregator.domain.gate_limits import Limits
from aggregator.errors import FiguresError

FEWEST_LOST: Final = 3
"""A loss of fewer items is never refused without proof: one window more or less is no finding."""
FEWEST_PROVEN: Final = 5
"""A loss of fewer items proves nothing, whatever the bootstrap says of so few: four coins fall on one side in
every eighth throw."""
PARITY: Final = "parity_agreement"
HONEST: Final = 0.85
"""Of honest reviews the others confirm about so many, also of sounds that are hard to tell apart."""
MOST_SHOWN: Final = 24
"""So many doubtful windows are named: whoever looks at these knows what went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one rule found."""

    name: str
    passed: bool
    sentence: str
    """Begins with ``passed:`` or ``refused:``."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """The candidate's and the incumbent's, and what they were held against."""
    windows: Sequence[int] = ()
    """Windows that somebody should look at again, the most doubtful first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One held-out item, as both answered it."""

    truth: str | None
    candidate: bool
    incumbent: bool


def pairs_of(candidate: Sequence[Answer], incumbent: Sequence[Answer], what: str) -> list[Pair]:
    """Both models' answers side by side; ``FiguresError`` if they were not asked the same."""
    others = {one.item: one for one in incumbent}
    if set(others) != {one.item for one in candidate}:
        raise FiguresError(f"candidate and incumbent were not judged on the same {what}")
    pairs = []
    for one in candidate:
        truth = reported(one.truth)
        pairs.append(
            Pair(
                truth=truth,
                candidate=reported(one.said) == truth,
                incumbent=reported(others[one.item].said) == truth,
            )
        )
    return pairs


def keeps_labels(candidate: Figures, incumbent: Figures) -> Rule:
    """No label may get lost."""
    lost = [label for label in incumbent.targets if label not in candidate.targets]
    if lost:
        return _rule("labels", False, f"the candidate no longer knows {_listed(lost)}")
    new = new_labels(candidate, incumbent)
    return _rule("labels", True, f"every label is kept{f', new is {_listed(new)}' if new else ''}")


def new_labels(candidate: Figures, incumbent: Figures) -> list[str]:
    """The labels that only the candidate knows."""
    return [label for label in candidate.targets if label not in incumbent.targets]


def not_worse(
    name: str, what: str, pairs: Sequence[Pair], *, tolerance: float, most: float, chance: float
) -> Rule:
    """The candidate's share of right answers against the incumbent's.

    A loss within ``tolerance`` passes. A greater one is refused if chance does not explain it, or if it is
    greater than ``most``.
    """
    counted = Pairs(
        items=len(pairs),
        lost=sum(pair.incumbent and not pair.candidate for pair in pairs),
        gained=sum(pair.candidate and not pair.incumbent for pair in pairs),
    )
    if not pairs:
        return _rule(name, True, f"{what}: no held-out item, nothing to compare")
    right = sum(pair.candidate for pair in pairs) / len(pairs)
    right_before = sum(pair.incumbent for pair in pairs) / len(pairs)
    reach = interval(counted, chance)
    figures = {
        "candidate": right, "incumbent": right_before, "low": reach.low, "high": reach.high,
        "items": len(pairs), "tolerance": tolerance, "most": most,
    }  # fmt: skip
    loss = -counted.difference
    moved = f"{what} {_moved(right_before, right, _points)} % of {len(pairs)}"
    if loss <= 0:
        return _rule(name, True, moved, figures)
    if loss <= tolerance:
        return _rule(name, True, f"{moved}, within the tolerance of {_points(tolerance)} points", figures)
    fewer = counted.lost - counted.gained
    if reach.high < 0 and fewer >= FEWEST_PROVEN:
        range_ = f"between {_points(-reach.high)} and {_points(-reach.low)} points"
        return _rule(name, False, f"{moved}, more than chance explains ({range_})", figures)
    if loss > most and fewer >= FEWEST_LOST:
        most_words = f"more than the {_points(most)} points that may be lost at all"
        return _rule(name, False, f"{moved}, {most_words}", figures)
    return _rule(name, True, f"{moved}, which may be chance", figures)


def finds_new_label(label: str, windows: Sequence[Answer], limits: Limits) -> Rule:
    """A new label has nobody to be compared with: it must be found often enough.

    Of few windows chance may spare or strike many: it is refused only if a label that is found just often
    enough would look like that with a probability below ``chance``.
    """
    name = f"new label {label}"
    mine = [one for one in windows if one.truth == label]
    if len(mine) < limits.new_label_windows_least:
        count = f"{len(mine)} held-out window{'' if len(mine) == 1 else 's'}"
        needed = f"at least {limits.new_label_windows_least} are needed to judge it"
        return _rule(name, False, f"the new label {label} has {count}, {needed}", {"items": len(mine)})
    found = sum(one.said == label for one in mine)
    words = (
        f"the new label {label} is found in {_points(found / len(mine))} % of {len(mine)} held-out windows"
    )
    least = limits.new_label_recall_least
    return _often_enough(name, words, found, len(mine), least=least, honest=least, chance=limits.chance)


def agrees_with_reviews(windows: Sequence[Answer], limits: Limits) -> Rule:
    """Reviews that contradict each other cannot be learned: then hardly half of the held-out ones agree.

    Of few reviews chance may spare or strike many: as in ``confirmed_by_others``.
    """
    agreed = sum(reported(one.said) == reported(one.truth) for one in windows)
    share = agreed / max(len(windows), 1)
    words = f"the candidate agrees with {_points(share)} % of {len(windows)} held-out reviews"
    least = limits.reviewed_accuracy_least
    return _often_enough(
        "reviews", words, agreed, len(windows),
        least=least, honest=max(HONEST, least), chance=limits.chance,
        advice="look for reviews that are wrong",
    )  # fmt: skip


def _often_enough(
    name: str,
    words: str,
    count: int,
    items: int,
    *,
    least: float,
    honest: float,
    chance: float,
    advice: str = "",
) -> Rule:
    """At least a share of ``least``, or so many that a share of ``honest`` may have come out like that.

    ``advice`` is given to those who are refused.
    """
    share = count / max(items, 1)
    explained = chance_of_fewer(count, items, honest)
    passed = share >= least or explained >= chance
    sentence = f"{words}{_range(count, items)}, {_against(share, least)}"
    if share < least:
        sentence += ", which may be chance" if passed else advice and f": {advice}"
    figures = {"candidate": share, "least": least, "items": items, "chance": explained}
    return _rule(name, passed, sentence, figures)


def confirmed_by_others(reviews: Sequence[Checked], limits: Limits) -> Rule:
    """Wrong reviews contradict each other and what the base knows, whatever the candidate made of them.

    Of few reviews chance may spare or strike many: they are refused only if honest ones would look like that
    with a probability below ``chance``.
    """
    confirmed = sum(one.confirmed for one in reviews)
    share = confirmed / max(len(reviews), 1)
    doubtful = sorted((one for one in reviews if not one.confirmed), key=lambda one: -one.doubt)
    words = f"{_points(share)} % of {len(reviews)} reviews are what all others say of these windows"
    least = limits.confirmed_reviews_least
    told = _often_enough(
        "confirmed reviews", words, confirmed, len(reviews),
        least=least, honest=max(HONEST, least), chance=limits.chance,
        advice="look at the doubtful ones again",
    )  # fmt: skip
    return replace(told, windows=tuple(one.window for one in doubtful[:MOST_SHOWN]))


def no_more_alarms(
    name: str, what: str, candidate: Alarms, incumbent: Alarms, *, tolerance: float, chance: float
) -> Rule:
    """Detections where there should be none, per hour."""
    explained = chance_of_rise(candidate, incumbent)
    figures = {
        "candidate": candidate.per_hour, "incumbent": incumbent.per_hour, "chance": explained,
        "hours": candidate.hours, "tolerance": tolerance,
    }  # fmt: skip
    moved = f"{what} per hour {_moved(incumbent.per_hour, candidate.per_hour, _rate)}"
    heard = f"{moved} in {_rate(candidate.hours)} h"
    rise = candidate.per_hour - incumbent.per_hour
    if rise <= 0:
        return _rule(name, True, heard, figures)
    if rise <= tolerance:
        return _rule(name, True, f"{heard}, within the tolerance of {_rate(tolerance)}", figures)
    if explained < chance:
        return _rule(name, False, f"{heard}, more than chance explains", figures)
    return _rule(name, True, f"{heard}, which may be chance", figures)


def quiet_in_silence(candidate: Alarms, incumbent: Alarms, limits: Limits) -> Rule:
    """Silence is the same every time: what is detected in it is no chance."""
    figures = {"candidate": candidate.count, "incumbent": incumbent.count}
    moved = f"detections in silence {_moved(incumbent.count, candidate.count, str)}"
    passed = candidate.count <= incumbent.count + limits.silence_tolerance
    return _rule("silence", passed, moved, figures)


def quantized_well(candidate: Figures, incumbent: Figures, limits: Limits) -> Rule:
    """What runs on a node must answer as what was trained."""
    agreement, before = (one.parity.get(PARITY) for one in (candidate, incumbent))
    least = limits.parity_agreement_least
    if agreement is None:
        if before is None:
            return _rule("parity", True, "neither model has a figure of parity")
        return _rule("parity", False, "the candidate has no figure of parity")
    figures = {"candidate": agreement, "least": least} | ({} if before is None else {"incumbent": before})
    sentence = f"quantized and trained network agree on {_points(agreement)} % of clips"
    if before is None:
        sentence += "; the model in service has no figure of parity"
    if agreement < min(least, least if before is None else before):
        return _rule("parity", False, f"{sentence}, {_against(agreement, least)}", figures)
    return _rule("parity", True, sentence, figures)


def not_heavier(
    name: str, what: str, candidate: float, incumbent: float, factor: float, written: Callable[[float], str]
) -> Rule:
    """Size or cost, at most ``factor`` times the incumbent's."""
    figures = {"candidate": candidate, "incumbent": incumbent, "most": factor * incumbent}
    moved = f"{what} {_moved(incumbent, candidate, written)}"
    if candidate <= max(factor, 1.0) * incumbent:
        return _rule(name, True, moved, figures)
    return _rule(name, False, f"{moved}, more than {factor:g} times as much", figures)


def kilobytes(size_bytes: float) -> str:
    """A size in words."""
    return f"{size_bytes / 1000:.0f} kB"


def milliseconds(cost_ms: float) -> str:
    """A cost in words."""
    return f"{cost_ms:.2f} ms"


def _rule(name: str, passed: bool, words: str, figures: Mapping[str, float] | None = None) -> Rule:
    mark = "passed" if passed else "refused"
    return Rule(name=name, passed=passed, sentence=f"{mark}: {words}", figures=figures or {})


def _moved(before: float, after: float, written: Callable[[float], str]) -> str:
    if before == after:
        return f"stayed at {written(after)}"
    verb = "rose" if after > before else "fell"
    return f"{verb} from {written(before)} to {written(after)}"


def _against(share: float, least: float) -> str:
    return f"{_points(least)} % {'were' if share >= least else 'are'} needed"


def _range(count: int, items: int) -> str:
    reach = share_interval(count, items)
    return f" (95 % interval {100 * reach.low:.0f} to {100 * reach.high:.0f})"


def _points(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0")


def _rate(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value < 1 else f"{value:.1f}".removesuffix(".0")


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(labels)
