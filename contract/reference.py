"""The tables of docs/protocol.md, printed from the definitions: ``python -m contract.reference``."""

import dataclasses
import sys
from typing import get_args

from contract.live import Listen
from contract.manifest import DataSet, FileEntry, Manifest
from contract.record import Record
from contract.sampling import Sampling
from contract.topics import ALL, Topic
from contract.wire import BINARY_KINDS, PACKED_KINDS, RECORDS


def topics_table() -> str:
    """Every topic with its direction, quality of service, retain flag and size limit, as Markdown."""
    lines = ["| topic | direction | QoS | retained | through the outbox | limit | format | carries |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    lines += [_topic_row(topic) for topic in ALL]
    return "\n".join(lines)


def fields_table(kind: type[Record]) -> str:
    """Every field of a record with its type and meaning, as Markdown."""
    lines = ["| field | type | meaning |", "|---|---|---|"]
    for field in dataclasses.fields(kind):
        required = field.default is dataclasses.MISSING or field.name == "schema"
        optional = "" if required else " (may be left out)"
        lines.append(f"| `{field.name}` | {_type_name(field.type)} | {field.metadata['meaning']}{optional} |")
    return "\n".join(lines)


def reference() -> str:
    """All tables, each under its heading."""
    parts = ["### Topics", topics_table()]
    for topic in ALL:
        parts += [f"### `{topic.kind}`: {topic.meaning}", fields_table(RECORDS[topic.kind])]
    parts += ["### `sampling` in a birth and a command", fields_table(Sampling)]
    parts += ["### `listen` in a command", fields_table(Listen)]
    parts += ["### `manifest.json` of a bundle", fields_table(Manifest)]
    parts += [
        "### entry of `datasets`",
        fields_table(DataSet),
        "### entry of `files`",
        fields_table(FileEntry),
    ]
    return "\n\n".join(parts)


def _topic_row(topic: Topic) -> str:
    direction = "node → aggregator" if topic.from_node else "aggregator → node"
    form = "packed" if topic.kind in PACKED_KINDS else "CBOR" if topic.kind in BINARY_KINDS else "JSON"
    flags = f"{topic.qos} | {_yes(topic.retain)} | {_yes(topic.durable)} | {topic.limit_bytes:,} bytes"
    return f"| `<namespace>/v1/<node>/{topic.kind}` | {direction} | {flags} | {form} | {topic.meaning} |"


def _type_name(kind: object) -> str:
    named = kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
    for long, short in (
        ("collections.abc.", ""),
        ("contract.live.", ""),
        ("contract.manifest.", ""),
        ("contract.sampling.", ""),
        ("contract.voice.", ""),
        (" | ", " or "),
        (", ...", " …"),
    ):
        named = named.replace(long, short)
    return named


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


if __name__ == "__main__":
    sys.stdout.write(reference() + "\n")
