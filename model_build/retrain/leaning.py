"""How far a new label is favoured: as far as what is known already allows.

Few windows show a label as a few people say it. Of others a network is undecided, and says what it has known
for longer. Old labels have clips in plenty, and those tell what the favour costs (Menon et al. 2021,
"Long-tail learning via logit adjustment").
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from contract.clip import decide_clip
from contract.manifest import is_target
from model_build.evaluate import Heard
from model_build.recipe import DecisionRecipe

CANDIDATES = np.arange(0.0, 2.01, 0.25)
"""What may be added to the logit of a new label. More cost old labels more than the clips here showed."""


def most_lean(
    clips: Sequence[Heard],
    labels: Sequence[str],
    new: Collection[str],
    decision: DecisionRecipe,
    least: int,
) -> float:
    """The largest candidate up to which at least ``least`` of ``clips`` are right; 0 if there is none.

    Nothing sounds ``new`` in the clips, and no network learned from them.
    """
    favoured = np.array([label in new for label in labels])
    chosen = 0.0
    for lean in CANDIDATES.tolist():
        if count_right([leaned(clip, favoured, lean) for clip in clips], labels, decision) < least:
            break
        chosen = lean
    return chosen


def leaned(clip: Heard, favoured: NDArray[np.bool_], lean: float) -> Heard:
    """What would be said of a clip with ``lean`` added to the logits of the ``favoured`` (K,)."""
    powers = clip.posteriors.astype(np.float64) * np.where(favoured, np.exp(lean), 1.0)
    posteriors = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return Heard(label=clip.label, posteriors=posteriors, levels_db=clip.levels_db)


def count_right(clips: Sequence[Heard], labels: Sequence[str], decision: DecisionRecipe) -> int:
    """Clips that are called what they are; labels in underscores all mean that nothing is reported."""
    right = 0
    for clip in clips:
        said, _ = decide_clip(
            clip.posteriors.tolist(), clip.levels_db, rule=decision.clip_rule, gate_db=decision.clip_gate_db
        )
        right += labels[said] == clip.label or not (is_target(labels[said]) or is_target(clip.label))
    return right
