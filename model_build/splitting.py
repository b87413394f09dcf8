"""Decides which recordings a model learns from and which it is measured on. Pure and repeatable."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Mapping

VALIDATION_PART = 0.2


def validation_groups(amounts: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
    """The groups to measure on; ``amounts`` are the clips of each label in each group.

    A group is one person, place or recording and stays whole. Groups come in the order of a hash of their
    names; each is held back if that brings its labels nearer to a fifth of their clips. A label that got
    nothing to be measured on then takes the first group that it can spare.

    >>> sorted(validation_groups({name: {"yes": 4} for name in ("anna", "ben", "carl", "dora", "eve")}))
    ['anna']
    """
    totals = sum((Counter(labels) for labels in amounts.values()), Counter[str]())
    order = sorted(amounts, key=lambda group: hashlib.sha256(group.encode()).digest())
    held: Counter[str] = Counter()
    chosen: set[str] = set()
    for group in order:
        if _distance(held + Counter(amounts[group]), totals, amounts[group]) < _distance(
            held, totals, amounts[group]
        ):
            chosen.add(group)
            held += Counter(amounts[group])
    for label in sorted(totals):
        if not held[label]:
            spare = (g for g in order if label in amounts[g] and _can_spare(amounts[g], held, totals))
            for first in itertools.islice(spare, 1):
                chosen.add(first)
                held += Counter(amounts[first])
    return frozenset(chosen)


def _distance(held: Counter[str], totals: Counter[str], labels: Mapping[str, int]) -> float:
    return sum(abs(held[label] - VALIDATION_PART * totals[label]) for label in labels)


def _can_spare(group: Mapping[str, int], held: Counter[str], totals: Counter[str]) -> bool:
    return all(held[label] + count < totals[label] for label, count in group.items())
