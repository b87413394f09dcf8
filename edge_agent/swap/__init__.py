"""How one model takes over from another, and how it is judged while it does. Opens nothing."""

from edge_agent.swap.comparing import Comparison, Difference, Tally
from edge_agent.swap.duty import Duty
from edge_agent.swap.heard import Heard, heard
from edge_agent.swap.matching import Match, Matcher
from edge_agent.swap.measured import Measured
from edge_agent.swap.observing import Observer
from edge_agent.swap.probation import Limits, Observed, Verdict, judge
from edge_agent.swap.seam import Plan, plan, silences, unheard

__all__ = [
    "Comparison",
    "Difference",
    "Duty",
    "Heard",
    "Limits",
    "Match",
    "Matcher",
    "Measured",
    "Observed",
    "Observer",
    "Plan",
    "Tally",
    "Verdict",
    "heard",
    "judge",
    "plan",
    "silences",
    "unheard",
]
