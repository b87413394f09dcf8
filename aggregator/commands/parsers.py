"""How the commands of the learning loop are written. What they do is imported only when it is done."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aggregator.commands.given import Add, Commands

_RETRAIN: Final = """\
A training freezes the reviewed windows, learns from them together with the base archive
([training] base), and lets the gate compare the candidate with the model in service.
`aggregator serve` works the queue off; where it does not run, --wait does so itself.

examples:
  aggregator retrain                 ask, and go on with something else
  aggregator retrain --wait          watch until the verdict
  aggregator retrain --wait --json   for scripts
  aggregator retrain --cancel        cancel what runs or waits

exit status:
  0  asked; with --wait: the candidate passed the gate
  1  it could not be asked for; the sentence says why
  3  with --wait: the gate refused the candidate
  4  with --wait: the training failed, was cancelled or interrupted
"""
_RELEASES: Final = """\
examples:
  aggregator releases list
  aggregator releases show 4                the verdict, sentence by sentence
  aggregator releases compare 4 2           release 4 against release 2, by the rules of the gate
  aggregator releases accept 4
  aggregator releases accept 4 --reason "the siren was never real, see the reviews of May"
                                            over a refusal; the reason is recorded
  aggregator releases refuse 4 --reason "barks at doorbells"

`show` and `compare` end with status 0 if the gate says passed, and 3 if it says refused.
docs/gate.md explains each rule.
"""
_FORGET: Final = """\
Deletes for good, also from the snapshots that trainings learned from. The node itself stays: its name, its
state, and which messages came, so that none of them is taken a second time.

examples:
  aggregator forget --window 17              say what would go
  aggregator forget --window 17 --yes        delete one window, and the answers to it
  aggregator forget --node attic --yes       what this node has sent: detections, windows, levels
  aggregator forget --node attic --until 2026-05-01T18:30 --yes --json
                                             only what began before (UTC)

exit status:
  0  it is deleted
  1  it could not be; the sentence says why
  3  without --yes: nothing was deleted
"""
_EXPORT_AUDIO: Final = """\
Sound is made again from stored features: speech can be understood, but it is no recording. docs/audio.md says
how good it is. Label, node and time are written into the file. Who exports is written to the log.

examples:
  aggregator export-audio --detection 12                     node_label_time.wav in this folder
  aggregator export-audio --window 17 --out bark.flac
  aggregator export-audio --node attic --since 2026-05-01T18:30 --until 2026-05-01T18:40 --out evening.flac
                                                             all that is stored of it (UTC), silence between
"""


def add_export_audio(commands: Commands, add: Add) -> None:
    """Make ``aggregator export-audio`` known."""
    parser = add(commands, "export-audio", "write what a node heard to a file", _export_audio, ("store",))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXPORT_AUDIO
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--window", type=int, metavar="ID", help="one window")
    which.add_argument("--detection", type=int, metavar="ID", help="the window of a detection")
    which.add_argument("--node", metavar="NAME", help="what this node heard from --since to --until")
    parser.add_argument("--since", metavar="TIME", help="of a node: from then on; UTC, or seconds since 1970")
    parser.add_argument("--until", metavar="TIME", help="of a node: until then")
    parser.add_argument("--out", type=Path, metavar="PATH", help="file or folder (default: this folder)")
    parser.add_argument("--format", choices=("wav", "flac"), help="default: as --out ends, else wav")
    parser.add_argument(
        "--by", default="", metavar="NAME", help="who listens; is recorded (default: the user)"
    )
    parser.add_argument("--json", action="store_true", help="what was written, as JSON")


def add_forget(commands: Commands, add: Add) -> None:
    """Make ``aggregator forget`` known."""
    parser = add(commands, "forget", "delete a window, or what a node has sent", _forget, ("store",))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _FORGET
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--node", metavar="NAME", help="what this node has sent")
    which.add_argument("--window", type=int, metavar="ID", help="one window")
    parser.add_argument("--until", metavar="TIME", help="of a node: only what began before; UTC, or seconds")
    parser.add_argument("--yes", action="store_true", help="do it; without it, only what would go is said")
    parser.add_argument(
        "--by", default="", metavar="NAME", help="who deletes; is recorded (default: the user)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def add_drift(commands: Commands, add: Add) -> None:
    """Make ``aggregator drift`` known."""
    parser = add(commands, "drift", "say what drifted, and which alerts are open", _drift, ("store",))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "exit status: 0 if no alert is open, 3 if one is. docs/drift.md explains each."
    parser.add_argument("--now", action="store_true", help="look anew at nodes not looked at for ten minutes")
    parser.add_argument("--json", action="store_true", help="as JSON")


def add_retrain(commands: Commands, add: Add) -> None:
    """Make ``aggregator retrain`` known."""
    meaning = "learn from what people reviewed, and let the gate judge"
    parser = add(commands, "retrain", meaning, _retrain, ("store", "training", "gate"))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _RETRAIN
    parser.add_argument("--wait", action="store_true", help="show progress, and end with the verdict")
    parser.add_argument("--cancel", action="store_true", help="cancel the training that runs or waits")
    parser.add_argument("--json", action="store_true", help="the result as JSON")


def add_releases(commands: Commands, add: Add) -> None:
    """Make ``aggregator releases`` known, with its own commands."""
    group = commands.add_parser(
        "releases",
        help="list, compare, accept and refuse what came out of trainings",
        description="List, compare, accept and refuse what came out of trainings.",
        epilog=_RELEASES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inner = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add(inner, add, "list", "every release, newest first", "list_")
    _add(inner, add, "show", "one release with its verdict and lineage", "show_", "release")
    _add(inner, add, "compare", "one release against another", "compare_", "release", "other")
    for name, meaning in (("accept", "let nodes run a release"), ("refuse", "let no node run a release")):
        parser = _add(inner, add, name, meaning, "decide", "release")
        parser.set_defaults(decision=name)
        parser.add_argument("--reason", default="", help="why; to refuse, and to accept over a refusal")
        parser.add_argument("--by", default="", metavar="NAME", help="who decides (default: the user)")


def _add(
    commands: Commands, add: Add, name: str, meaning: str, function: str, *numbers: str
) -> argparse.ArgumentParser:
    sections = ("store", "gate") if name == "compare" else ("store",)
    parser = add(commands, name, meaning, _of_releases(function), sections)
    for number in numbers:
        parser.add_argument(number, type=int, metavar=number.upper(), help="number of the release")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def add_stream(commands: Commands, add: Add) -> argparse.ArgumentParser:
    """``aggregator stream``."""
    from aggregator.domain.listening import DEFAULT_CODEC, DEFAULT_PACKET_MS
    from contract.live import CODECS, PACKETS_MS

    parser = add(
        commands, "stream", "listen to a node now, into a file, a pipe or the network", _stream,
        ("fleet", "broker", "store"),
    )  # fmt: skip
    parser.add_argument("node", metavar="NODE", help="which node")
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="WAV file to write; -: standard output, as it comes"
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="end after so long (default: Ctrl-C)")
    parser.add_argument(
        "--codec", choices=CODECS, default=DEFAULT_CODEC,
        help=f"how sound comes: made again from features, or opus: as it is (default: {DEFAULT_CODEC})",
    )  # fmt: skip
    parser.add_argument(
        "--packet-ms", type=int, choices=PACKETS_MS, default=DEFAULT_PACKET_MS,
        help=f"sound per packet: the more, the later and the thriftier (default: {DEFAULT_PACKET_MS})",
    )  # fmt: skip
    parser.add_argument("--by", default="", metavar="NAME", help="who listens (default: this user)")
    return parser


def _stream(arguments: argparse.Namespace) -> int:
    from aggregator.commands import stream

    return stream.run(arguments)


def _retrain(arguments: argparse.Namespace) -> int:
    from aggregator.commands import retrain

    return retrain.run(arguments)


def _forget(arguments: argparse.Namespace) -> int:
    from aggregator.commands import forget

    return forget.run(arguments)


def _export_audio(arguments: argparse.Namespace) -> int:
    from aggregator.commands import export_audio

    return export_audio.run(arguments)


def _drift(arguments: argparse.Namespace) -> int:
    from aggregator.commands import drift

    return drift.run(arguments)


def _of_releases(function: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        from aggregator.commands import releases

        status: int = getattr(releases, function)(arguments)
        return status

    return run
