"""Writes the tables of docs/protocol.md anew: ``python docs/refresh_protocol.py`` (part of ``make docs``)."""

from pathlib import Path

from contract.reference import reference

BEGIN = "<!-- reference: begin -->"
END = "<!-- reference: end -->"


def refreshed(text: str) -> str:
    """``text`` with what stands between the marks replaced by the reference."""
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n\n{reference()}\n\n{END}{tail}"


if __name__ == "__main__":
    page = Path(__file__).parent / "protocol.md"
    page.write_text(refreshed(page.read_text()))
