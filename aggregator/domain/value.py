"""How much is to be learned from an answer: the order of the review queue.

A window is worth an answer where the model heard something and was unsure what, or was sure of a guess that
answers have shown to be often wrong; where few answers exist for what it probably is and for the place it
comes from; where two models disagreed about the same moment; and where the node had a reason to ask. Each
part is 0 to 1, and so is their weighted sum.

What a window probably is, earlier answers tell better than the model: it cannot guess a label that it does
not know, but such windows come with the same few wrong guesses, and those that hold nothing with another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aggregator.domain.guesses import Guess

WEIGHTS: Final = {"uncertainty": 0.3, "rarity": 0.4, "novelty": 0.1, "disagreement": 0.1, "reason": 0.1}
REASONS: Final = {
    "disagreement": 1.0,
    "uncertain": 1.0,
    "near_miss": 0.8,
    "detection": 0.4,
    "random": 0.3,
    "all": 0.2,
}
_OTHER_REASON: Final = 0.3
LABEL_HALF: Final = 10
UNTAUGHT_HALF: Final = 40
NODE_HALF: Final = 10
SITE_HALF: Final = 20
"""So many answers halve what is left to learn about a label, one that no model guesses, a node, a site."""
AS_GUESSED: Final = 2
NEVER_SEEN: Final = 1
"""Before any answer to a guess: so many that agree with it, and so many of a label that nobody has given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the value of a card is made of, each 0 to 1."""

    uncertainty: float
    rarity: float
    novelty: float
    disagreement: float
    reason: float

    @property
    def value(self) -> float:
        """The weighted sum, 0 to 1."""
        parts: list[float] = [weight * getattr(self, name) for name, weight in WEIGHTS.items()]
        return min(1.0, sum(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How many answers there are by label (None: none of them), node and site."""

    by_label: Mapping[str | None, int] = field(default_factory=dict)
    by_guess: Mapping[str | None, Mapping[str | None, int]] = field(default_factory=dict)
    """The model's guess → what the answers said instead, or as well, and how many of them."""
    by_node: Mapping[str, int] = field(default_factory=dict)
    by_site: Mapping[str, int] = field(default_factory=dict)


def uncertainty(guess: Guess) -> float:
    """Half from the margin between the two likeliest labels, half from the entropy over all.

    As far as there was anything: not sure what a hum is not, a model has little to ask.

    >>> uncertainty(Guess(label="dog", posterior=1.0, margin=1.0, entropy=0.0, heard=1.0, step=0))
    0.0
    """
    return guess.heard * (0.5 * (1.0 - guess.margin) + 0.5 * guess.entropy)


def doubt(uncertain: float, guessed: str | None, meant: str | None, answered: Answered) -> float:
    """How unsure the model was (``uncertain``) or, if that is more, how often it was wrong with this guess.

    A sure model is often wrong in one way: a label that it does not know is a sure case of one that it knows.
    Arguments as for ``rarity``; before any answer a guess is believed.

    >>> doubt(0.1, "no", "no", Answered(by_guess={"no": {"go": 6, "no": 1}}))
    0.6
    >>> doubt(0.1, "yes", "yes", Answered(by_guess={"yes": {"yes": 7}}))
    0.1
    """
    said = answered.by_guess.get(guessed, {})
    total = sum(said.values())
    return max(uncertain, (total - said.get(meant, 0)) / (NEVER_SEEN + AS_GUESSED + total))


def rarity(guessed: str | None, meant: str | None, answered: Answered) -> float:
    """How few answers there are of what a window with this guess probably is.

    ``guessed`` is the model's word, ``meant`` what reviewers call it; None: none of them. The mean over what
    answers to windows with the same guess said, as if some had agreed and one had been of a new label.

    >>> rarity("dog", "dog", Answered())
    1.0
    >>> many = {"dog": 10, None: 90}
    >>> rarity("dog", "dog", Answered(by_label=many, by_guess={"dog": {"dog": 10}}))  # 12 halves, 1 whole
    0.5384615384615384
    >>> rarity("_silence_", None, Answered(by_label=many, by_guess={"_silence_": {None: 87}}))
    0.11
    """
    said = answered.by_guess.get(guessed, {})
    needed = NEVER_SEEN + AS_GUESSED * _needed(meant, answered)
    needed += sum(count * _needed(label, answered) for label, count in said.items())
    return needed / (NEVER_SEEN + AS_GUESSED + sum(said.values()))


def _needed(label: str | None, answered: Answered) -> float:
    """A label that no model has guessed so far can be learned from answers alone."""
    taught = label is None or label in answered.by_guess
    return fading(answered.by_label.get(label, 0), LABEL_HALF if taught else UNTAUGHT_HALF)


def novelty(node: str, site: str, answered: Answered) -> float:
    """How few answers come from this node, and from its site."""
    of_node = fading(answered.by_node.get(node, 0), NODE_HALF)
    return of_node if not site else 0.5 * (of_node + fading(answered.by_site.get(site, 0), SITE_HALF))


def disagreement(mine: tuple[str | None, float], others: Iterable[tuple[str | None, float]]) -> float:
    """How strongly another model contradicts: label and posterior of either, about the same moment.

    Two sure models that say different things disagree most; the less sure of the two sets the measure.

    >>> disagreement(("dog", 0.9), [("rain", 0.8), ("dog", 1.0)])
    0.8
    """
    label, posterior = mine
    return max((min(posterior, share) for other, share in others if other != label), default=0.0)


def between_versions(posterior: float, candidate_posterior: float) -> float:
    """The same of a shadow: one model is sure that it heard something, how sure is the other of the contrary?

    >>> between_versions(0.1, 0.95), between_versions(0.5, 0.6)
    (0.9, 0.5)
    """
    return min(max(posterior, candidate_posterior), 1.0 - min(posterior, candidate_posterior))


def reason(why: str) -> float:
    """How much it says that the node sent the window for this reason."""
    return REASONS.get(why, _OTHER_REASON)


def fading(count: int, half: int) -> float:
    """1 without any answer, a half at ``half`` of them, towards 0 beyond.

    >>> fading(0, 10), fading(10, 10), fading(30, 10)
    (1.0, 0.5, 0.25)
    """
    return half / (half + count)
