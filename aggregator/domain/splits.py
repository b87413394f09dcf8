"""Which windows are learned from, which steer the training, and which only judge it.

Whole quarters of an hour of one place fall into one split, so that no recording lies in two. What a window
is called plays no part, nor does any other window: the split of a window never changes.
"""

import hashlib
from typing import Final

TRAINING: Final = "training"
VALIDATION: Final = "validation"
TEST: Final = "test"
SPLITS: Final = (TRAINING, VALIDATION, TEST)
BLOCK_S: Final = 900.0
_TRAINING_PART: Final = 0.7
_VALIDATION_PART: Final = 0.15


def split(*, node: str, site: str, start_s: float, end_s: float) -> str | None:
    """One of ``SPLITS``; None for a window that reaches from one split into another, which is not used.

    Nodes of one site hear the same sounds, so the site decides where there is one.

    >>> split(node="attic", site="", start_s=900.0, end_s=903.0)
    'training'
    """
    place = f"site {site}" if site else f"node {node}"
    # A window that ends where a block ends does not reach into the next.
    first, last = int(start_s // BLOCK_S), int(max(start_s, end_s - 1e-6) // BLOCK_S)
    reached = {_of_block(place, block) for block in range(first, last + 1)}
    return reached.pop() if len(reached) == 1 else None


def _of_block(place: str, block: int) -> str:
    digest = hashlib.sha256(f"{place} {block}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    if share < _TRAINING_PART:
        return TRAINING
    return VALIDATION if share < _TRAINING_PART + _VALIDATION_PART else TEST
