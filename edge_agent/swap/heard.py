"""Detections in time rather than in steps, so that those of two models can be compared. Pure."""

from dataclasses import dataclass

from contract.detector import Found
from edge_agent.pipeline import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A detection; times in the clock of ``captured_s``."""

    label: str
    posterior: float
    start_s: float
    """When its average rose over the threshold."""
    end_s: float
    """End of the sound that the report rests on."""

    def near(self, other: "Heard", tolerance_s: float) -> bool:
        """Whether both may be the same sound: one label, and they overlap or begin that near each other."""
        apart_s = max(self.start_s, other.start_s) - min(self.end_s, other.end_s)
        together = apart_s < 0 or abs(self.start_s - other.start_s) <= tolerance_s
        return self.label == other.label and together


def heard(step: Step, found: Found, step_s: float) -> Heard:
    """What was found with ``step``."""
    steps = found.end_step - found.start_step + 1
    return Heard(
        label=found.label, posterior=found.posterior, start_s=step.end_s - steps * step_s, end_s=step.end_s
    )
