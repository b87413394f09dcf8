"""The command line: parse, build, run. What a command needs is imported when it is chosen."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final, TypeAlias

from contract.errors import ContractError
from contract.live import CODECS, PACKETS_MS
from edge_agent.errors import EdgeError
from edge_agent.settings import Settings, add_flags, load_settings

# Set before numpy loads: its threads are never used here, and each would reserve memory.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_SETTINGS_HELP: Final = """\
Every setting can be given in the TOML file, as SOUNDPOST_<SECTION>_<KEY> in the environment, and as a
flag; a flag wins over the environment, the environment over the file. Unknown keys are refused.
"""


def version() -> str:
    """Version of the agent."""
    return metadata.version("soundpost")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 well, 1 something is wrong, 2 not understood."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except (EdgeError, ContractError) as error:
        print(f"edge-agent: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of our output has gone; nothing is left to be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-agent",
        description="Listens, recognises sounds on this machine and reports them to a fleet's aggregator.",
        epilog="Begin with: edge-agent devices; edge-agent check --config FILE; edge-agent run --config FILE",
    )
    parser.add_argument("--version", action="version", version=f"edge-agent {version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_check(commands)
    _add_devices(commands)
    _add_replay(commands)
    _add_benchmark(commands)
    _add_outbox(commands)
    _add_models(commands)
    _add_talk(commands)
    _add_enroll(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Command: TypeAlias = Callable[[argparse.Namespace], int]


def _add(
    commands: Commands, name: str, command: Command, says: str, more: str = ""
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=says, description=f"{says[0].upper()}{says[1:]}.\n\n{more}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.set_defaults(command=command)
    return parser


def _add_run(commands: Commands) -> None:
    parser = _add(
        commands, "run", _run, "listen and report until told to stop (SIGTERM or Ctrl-C)", _SETTINGS_HELP
    )
    parser.add_argument(
        "--seconds", type=float, metavar="SECONDS",
        help="listen for so long, deliver everything, and end (default: until told to stop)",
    )  # fmt: skip
    parser.add_argument(
        "--drain-timeout", type=float, default=30.0, metavar="SECONDS",
        help="when the input has an end: longest wait then for acknowledgements (default: 30)",
    )  # fmt: skip
    add_flags(parser)


def _add_check(commands: Commands) -> None:
    parser = _add(
        commands, "check", _check, "say what is wrong with device, bundle, broker, disk, clock",
        "A line for each, with the mend where one is needed; exit code 1 then.\n" + _SETTINGS_HELP,
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    add_flags(parser)


def _add_devices(commands: Commands) -> None:
    parser = _add(commands, "devices", _devices, "list the inputs that can be listened to")
    parser.add_argument("--outputs", action="store_true", help="instead the outputs that [talk] can play on")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _add_replay(commands: Commands) -> None:
    parser = _add(
        commands, "replay", _replay, "recognise sound files, each as a stream of its own",
        "They go through exactly the live pipeline. With --json one object a line: file, label (the\n"
        "bundle's decision for the clip), posterior, of an anomaly model score and threshold,\n"
        "detections [label, posterior, start_s, end_s]. A file that is broken has an error beside or\n"
        "instead of these; the others go on, and the exit code is 1.",
    )  # fmt: skip
    parser.add_argument("--bundle", type=Path, required=True, metavar="FILE", help="the model")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("paths", type=Path, nargs="+", metavar="FILE", help="sound files, or folders of them")


def _add_benchmark(commands: Commands) -> None:
    parser = _add(
        commands, "benchmark", _benchmark, "measure CPU time per second of sound, per stage, and memory",
        "Runs on one core, on sound made up for it (noise with tones). Figures are milliseconds of CPU time\n"
        "per second of sound; idle is the share of one core that live pace takes.\n\n"
        "Several bundles, such as the int8 and the dynamic-range variant of one model, take turns; then it\n"
        "tells which of them is the fastest on this machine. ratio is the fastest one's CPU time divided by\n"
        "the bundle's own.",
    )  # fmt: skip
    parser.add_argument(
        "--bundle", type=Path, action="append", required=True, metavar="FILE",
        help="the model; give it again for every further one to compare",
    )  # fmt: skip
    parser.add_argument(
        "--seconds",
        type=float,
        default=20.0,
        help="length of the sound, and of the part at live pace (default: 20)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")


def _add_outbox(commands: Commands) -> None:
    parser = _add(
        commands, "outbox", _outbox, "count what waits for acknowledgement, per run of the agent",
        "Only reads; the agent may be running. Per boot: last_sequence (all up to it were made), rows\n"
        "(still unacknowledged), clean (whether it was stopped in good order).",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    add_flags(parser)


def _add_models(commands: Commands) -> None:
    parser = _add(
        commands, "models", _models, "show which models lie here, which is in service, and which failed",
        "Only reads; the agent may be running. Per slot (a, b, shipped): digest and role. Then failed\n"
        "attempts with reasons, the job in hand, and the floor: the earliest time that is believed in.",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    add_flags(parser)


def _add_talk(commands: Commands) -> None:
    parser = _add(
        commands, "talk", _talk, "speak through the loudspeaker of another node",
        "Push to talk: Space begins, and Space again ends; the other node answers the same way. It must be\n"
        "allowed at the aggregator, and there by [talk] allowed. Tells delay and loss as they are over\n"
        "there. With --in a recording is spoken instead. The exit code is 1 if nothing was heard.\n"
        + _SETTINGS_HELP,
    )  # fmt: skip
    parser.add_argument("node", metavar="NODE", help="the node that shall play it")
    parser.add_argument("--in", dest="recording", type=Path, metavar="FILE", help="a sound file to speak")
    parser.add_argument(
        "--codec", choices=("best", *CODECS), default="best",
        help="opus, or a profile of features by its bit rate, for slow lines (default: best, that is opus if "
        "both sides have it, else 26k)",
    )  # fmt: skip
    parser.add_argument(
        "--packet-ms", type=int, choices=PACKETS_MS, default=20, metavar="MS",
        help="sound per packet, 20, 40 or 60 ms: more is later, and weighs less (default: 20)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object for each turn")
    add_flags(parser)


def _add_enroll(commands: Commands) -> None:
    parser = _add(
        commands, "enroll", _enroll, "join a fleet, with what `aggregator node add` says",
        "Makes a key that never leaves this node, has it certified, and keeps certificate, authority and\n"
        "the broker's address in the state folder, where the other commands find them. The token is shown\n"
        "only to a server that proves to be the fleet's aggregator. If it fails, do it again.",
    )  # fmt: skip
    parser.add_argument("url", metavar="URL", help="the aggregator's address, https://…")
    parser.add_argument("token", metavar="TOKEN", help="token of this node; -: read it from standard input")
    parser.add_argument(
        "--trust-system", action="store_true",
        help="believe the aggregator also if this system's certificate authorities vouch for it",
    )  # fmt: skip
    add_flags(parser)


def _settings(options: argparse.Namespace) -> Settings:
    return load_settings(options.config, os.environ, vars(options))


def _run(options: argparse.Namespace) -> int:
    agent = importlib.import_module("edge_agent.agent")
    timeout_s: float = options.drain_timeout
    return int(agent.run(_settings(options), version(), drain_timeout_s=timeout_s, seconds=options.seconds))


def _check(options: argparse.Namespace) -> int:
    check = importlib.import_module("edge_agent.check")
    return int(check.check(_settings(options), version(), as_json=options.json))


def _devices(options: argparse.Namespace) -> int:
    devices = importlib.import_module("edge_agent.devices")
    return int(devices.devices(outputs=options.outputs, as_json=options.json))


def _replay(options: argparse.Namespace) -> int:
    from edge_agent.bundles import load_bundle
    from edge_agent.pipeline import Tuning
    from edge_agent.replay import replay

    bundle = load_bundle(options.bundle, version())
    return replay(bundle, Tuning(thresholds={}), options.paths, as_json=options.json)


def _benchmark(options: argparse.Namespace) -> int:
    benchmark = importlib.import_module("edge_agent.benchmark")
    return int(benchmark.benchmark(options.bundle, version(), seconds=options.seconds, as_json=options.json))


def _outbox(options: argparse.Namespace) -> int:
    outbox = importlib.import_module("edge_agent.outbox")
    return int(outbox.show(_settings(options).outbox_path, as_json=options.json))


def _models(options: argparse.Namespace) -> int:
    show = importlib.import_module("edge_agent.update.show")
    return int(show.show(_settings(options), as_json=options.json))


def _talk(options: argparse.Namespace) -> int:
    talk = importlib.import_module("edge_agent.talk")
    wish = talk.Wish(
        to=options.node, recording=options.recording, codec=options.codec, packet_ms=options.packet_ms,
        as_json=options.json,
    )  # fmt: skip
    return int(talk.talk(_settings(options), wish))


def _enroll(options: argparse.Namespace) -> int:
    joining = importlib.import_module("edge_agent.enrolment.joining")
    settings = _settings(options)
    return int(joining.enroll(settings, options.url, options.token, trust_system=options.trust_system))


if __name__ == "__main__":
    sys.exit(main())
