"""What was found, for people to read."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from model_build.checks.finding import ERROR, NOTE, WARNING, Finding

_STYLES = {ERROR: "bold red", WARNING: "yellow", NOTE: "dim"}


def findings_table(findings: Sequence[Finding]) -> Table:
    """One row for each finding, with what to do about it below."""
    table = Table(show_header=False, pad_edge=False, box=None, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        style = _STYLES[finding.severity]
        table.add_row(
            f"[{style}]{finding.severity}[/]", f"{escape(finding.sentence)}\n[dim]{escape(finding.advice)}[/]"
        )
    return table
