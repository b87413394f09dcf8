"""What the gate tolerates. The settings' section [gate] fills it in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Losses are shares of 1: 0.01 is one point of a hundred."""

    chance: float = 0.05
    """A worse figure counts as chance while chance alone would give it with a probability above this."""
    accuracy_tolerance: float = 0.01
    """So much accuracy over all held-out items may be lost, proven or not."""
    accuracy_loss_most: float = 0.05
    """More than this may not be lost, even if it may be chance."""
    label_tolerance: float = 0.02
    """The same for the recall of a single label, of which there are fewer items."""
    label_loss_most: float = 0.25
    new_label_recall_least: float = 0.7
    """A label that the incumbent does not know must be found in this share of its held-out windows."""
    new_label_windows_least: int = 5
    """With fewer held-out windows a new label cannot be judged."""
    reviewed_accuracy_least: float = 0.7
    """Of all held-out reviews a candidate with new labels must agree with this share."""
    confirmed_reviews_least: float = 0.75
    """Of all reviews the others must confirm this share."""
    false_alarms_tolerance_per_hour: float = 0.2
    silence_tolerance: int = 0
    """So many more detections in silence than the incumbent's."""
    parity_agreement_least: float = 0.95
    """Quantized and trained network must choose the same label for this share of clips."""
    size_factor_most: float = 1.5
    cost_factor_most: float = 1.5
    """Times the incumbent's."""
