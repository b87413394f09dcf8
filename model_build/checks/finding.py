"""One thing that is wrong with recordings, and what to do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ERROR, WARNING, NOTE = "error", "warning", "note"
"""Training does not start; training goes on, and somebody should look; only good to know."""
SEVERITIES = (ERROR, WARNING, NOTE)
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, with one file or with many in the same way."""

    severity: str
    kind: str
    """One word for programs: ``silent``, ``leak``, ..."""
    sentence: str
    """What is wrong, for people; names the first few files."""
    advice: str
    """What to do."""
    files: tuple[str, ...] = ()
    """All the files that it is about."""

    def to_plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "severity": self.severity,
            "kind": self.kind,
            "sentence": self.sentence,
            "advice": self.advice,
            "files": list(self.files),
        }


def about(
    severity: str, kind: str, files: Sequence[str], singular: str, plural: str, advice: str
) -> tuple[Finding, ...]:
    """None or one finding for all ``files`` to which the same happened.

    >>> about(WARNING, "silent", ["no/a.wav"], "is silent", "clips are silent", "")[0].sentence
    'no/a.wav is silent'
    >>> about(WARNING, "silent", list("abcde"), "is silent", "clips are silent", "")[0].sentence
    '5 clips are silent: a, b, c and 2 more'
    """
    if not files:
        return ()
    one = f"{files[0]} {singular}"
    sentence = one if len(files) == 1 else f"{len(files)} {plural}: {some(files)}"
    return (Finding(severity=severity, kind=kind, sentence=sentence, advice=advice, files=tuple(files)),)


def some(names: Iterable[str]) -> str:
    """The first few of ``names``, and how many more there are.

    >>> some(["a", "b"]), some("abcd")
    ('a, b', 'a, b, c and 1 more')
    """
    listed = list(names)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more


def short(path: Path) -> str:
    """Enough of a path to find the file.

    >>> short(Path("/data/clips/yes/a.wav"))
    'yes/a.wav'
    """
    return "/".join(path.parts[-2:])


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most severe first, otherwise as they came."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
