"""Processor time of a decision, as this machine measures it now."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")

_ROUNDS = 5
_LEAST_S = 0.2


def processor_ms(decide: Callable[[Item], object], items: Sequence[Item]) -> float:
    """Milliseconds of processor time per call of ``decide``, on real ``items`` in turn.

    The least of several rounds: whatever else runs on the machine can only add.
    """
    decide(items[0])
    best = np.inf
    for _ in range(_ROUNDS):
        calls, start = 0, time.process_time()
        while calls < len(items) or time.process_time() - start < _LEAST_S:
            decide(items[calls % len(items)])
            calls += 1
        best = min(best, (time.process_time() - start) / calls)
    return best * 1000.0
