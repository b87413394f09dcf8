"""Reads files one after the other and remembers what was wrong with them."""

from collections import Counter
from pathlib import Path

from model_build.audio_file import Decoded, decode
from model_build.checks.finding import NOTE, WARNING, Finding, about, short, some
from model_build.cuts import Span
from model_build.errors import DatasetError


class Reading:
    """The files of one data set, as they are decoded."""

    def __init__(self) -> None:
        self._broken: dict[str, str] = {}
        self._truncated: list[str] = []
        self._outside: list[str] = []
        self._forms: Counter[tuple[int, int]] = Counter()

    def read(self, path: Path) -> Decoded | None:
        """The file decoded; none if it cannot be."""
        try:
            decoded = decode(path)
        except DatasetError as error:
            self._broken[str(path)] = str(error)
            return None
        self._forms[decoded.rate_hz, decoded.channels] += 1
        if decoded.truncated:
            self._truncated.append(short(path))
        return decoded

    def outside(self, path: Path, span: Span, seconds: float) -> None:
        """Remember that a label is about a part that the file does not have."""
        end = "" if span.end_s is None else f" to {span.end_s:g}"
        self._outside.append(f"{short(path)} ({span.start_s:g}{end} s of {seconds:.2f} s)")

    def broken(self) -> tuple[str, ...]:
        """One sentence for each file that could not be read."""
        return tuple(self._broken.values())

    def findings(self) -> tuple[Finding, ...]:
        """What was wrong with the files."""
        return (
            *self._unreadable(),
            *about(
                WARNING,
                "truncated",
                self._truncated,
                "is shorter than its own head says; what is there was used",
                "files are shorter than their own heads say; what is there was used",
                "Copy them again from where they come from.",
            ),
            *about(
                WARNING,
                "outside",
                self._outside,
                "is labelled where the recording has ended; that label is left out",
                "labels lie where their recording has ended; they are left out",
                "Correct start and end in the label file; both are in seconds.",
            ),
            *self._mixed(),
        )

    def _unreadable(self) -> tuple[Finding, ...]:
        if not self._broken:
            return ()
        files, sentences = list(self._broken), list(self._broken.values())
        more = f", and so are {len(files) - 1} more files" if len(files) > 1 else ""
        return (
            Finding(
                severity=WARNING,
                kind="unreadable",
                sentence=f"{sentences[0]}: skipped{more}",
                advice="Remove or replace what is broken.",
                files=tuple(files),
            ),
        )

    def _mixed(self) -> tuple[Finding, ...]:
        if len(self._forms) < 2:
            return ()
        kinds = [
            f"{rate_hz} Hz with {channels} {'channel' if channels == 1 else 'channels'} ({count})"
            for (rate_hz, channels), count in self._forms.most_common()
        ]
        return (
            Finding(
                severity=NOTE,
                kind="mixed",
                sentence=f"the files differ in rate or channels: {some(kinds)}",
                advice="Nothing need be done: all become 16 kHz and mono. Only if each label has a rate "
                "of its own may a model learn the recorder instead of the sound.",
            ),
        )
