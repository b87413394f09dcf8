"""The formats by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aggregator.domain.label_files import audacity, label_studio, raven, table
from aggregator.domain.label_files.spans import BadLine, Line, Reading, Span
from aggregator.errors import LabelFileError


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How labels are written down."""

    name: str
    words: str
    suffix: str
    media_type: str
    knows_nodes: bool
    """Whether a file says which node each label is of."""
    relative: bool
    """Whether times count from the start of a recording, not from 1970."""
    read: Callable[..., Reading]
    write: Callable[..., str]


_ALL: Final = (
    Format(
        name="audacity", words="Audacity labels", suffix=".txt", media_type="text/plain",
        knows_nodes=False, relative=True, read=audacity.read, write=audacity.write,
    ),
    Format(
        name="raven", words="Raven selection table", suffix=".selections.txt", media_type="text/plain",
        knows_nodes=True, relative=True, read=raven.read, write=raven.write,
    ),
    Format(
        name="csv", words="CSV", suffix=".csv", media_type="text/csv",
        knows_nodes=True, relative=False, read=table.read, write=table.write,
    ),
    Format(
        name="label-studio", words="Label Studio JSON", suffix=".json", media_type="application/json",
        knows_nodes=True, relative=False, read=label_studio.read, write=label_studio.write,
    ),
)  # fmt: skip
FORMATS: Final[Mapping[str, Format]] = {one.name: one for one in _ALL}


def named(name: str) -> Format:
    """The format of that name; ``LabelFileError`` if there is none."""
    if name not in FORMATS:
        raise LabelFileError(f"the format must be one of {', '.join(FORMATS)}")
    return FORMATS[name]


def read(
    wanted: Format, content: bytes, *, node: str = "", origin_s: float = 0.0
) -> tuple[list[Line], list[BadLine]]:
    """The spans of a file and its bad lines; ``LabelFileError`` if it is no such file at all."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise LabelFileError(f"line {line}: this is not text in UTF-8") from error
    found = list(wanted.read(text, node=node, origin_s=origin_s))
    lines = [one for one in found if isinstance(one, Line)]
    return lines, [one for one in found if isinstance(one, BadLine)]


def write(wanted: Format, spans: Sequence[Span], *, origin_s: float = 0.0) -> str:
    """The file that holds ``spans``, which are of one node if the format knows no nodes."""
    if not wanted.knows_nodes and len({span.node for span in spans}) > 1:
        raise LabelFileError(f"{wanted.words} are of one node: say which")
    return wanted.write(spans, origin_s=origin_s)
