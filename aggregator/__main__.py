"""``aggregator``: gathers what the fleet hears, stores it, and shows it."""

import argparse
import importlib.metadata
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from aggregator import logs, settings
from aggregator.commands import accounts, fleet_parsers, given, ota, parsers
from aggregator.domain.roles import ADMIN
from aggregator.errors import AggregatorError

DESCRIPTION = """\
Gathers what the fleet hears: takes messages from the MQTT broker, stores each once, and shows them on a
dashboard. `aggregator demo` shows all of it on this machine.
"""
EXAMPLES = """\
examples:
  aggregator demo                                   a whole fleet on this machine, to look around
  aggregator serve --config /etc/soundpost/aggregator.toml
                                                    the real thing: ingest and dashboard
  aggregator password --config FILE                 set or change the password of the user admin
  aggregator user add Ada --role reviewer           let somebody else sign in, too
  aggregator broker config --into /etc/mosquitto    write a configuration for mosquitto
  aggregator node add attic                         let a node in, once, by a token
  aggregator stats --json                           what is stored, for scripts
  aggregator labels export --format csv             what reviewers said of windows
  aggregator retrain --wait                         learn from the reviews, and see what the gate says
  aggregator releases list                          what came out of it
  aggregator drift --json                           which microphone went deaf, which label floods
  aggregator ota publish BUNDLE --keys KEYS         sign a bundle, so that nodes may run it
  aggregator export-audio --detection 12            hear it: a sound file, made from stored features
  aggregator stream attic --out -                   hear a node now: pipe it to a player or a network
  aggregator forget --node attic                    delete what a node has sent, after --yes

Every setting can stand in the file, in the environment, or on the command line:
  [broker] port = 1884      SOUNDPOST_AGGREGATOR_BROKER_PORT=1884      --broker-port 1884
`aggregator serve --help` lists them all.
"""


def main(words: Sequence[str] | None = None) -> int:
    """Parse, run, and say in one sentence what went wrong; the exit status."""
    arguments = _parser().parse_args(words)
    logs.start(getattr(arguments, "log_level", "info"))
    try:
        status: int = arguments.run(arguments)
    except AggregatorError as error:
        print(f"aggregator: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aggregator",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"soundpost {importlib.metadata.version('soundpost')}"
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add(commands, "serve", "ingest, dashboard and trainer together", _serve)
    _add(commands, "ingest", "only take messages from the broker and store them", _program("ingest"))
    _add(commands, "web", "only the dashboard", _program("web"))
    trainer = _add(commands, "trainer", "only work the queue of trainings off", _trainer)
    trainer.add_argument("--until-idle", action="store_true", help="end when no training waits")
    _add(commands, "migrate", "bring the database to this program's version", _program("migrate"))
    _add(commands, "password", "set the password of the user admin, from prompt or stdin", _password)
    stats = _add(commands, "stats", "print what is stored", _stats)
    stats.add_argument("--json", action="store_true", help="as JSON")
    _add_labels(commands)
    fleet_parsers.add_broker(commands, _add)
    fleet_parsers.add_node(commands, _add)
    parsers.add_retrain(commands, _add)
    parsers.add_releases(commands, _add)
    parsers.add_forget(commands, _add)
    parsers.add_drift(commands, _add)
    ota.add_ota(commands, _add)
    accounts.add_user(commands, _add)
    accounts.add_token(commands, _add)
    parsers.add_export_audio(commands, _add)
    parsers.add_stream(commands, _add)
    _add_demo(commands)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    meaning: str,
    run: Callable[[argparse.Namespace], int],
    sections: Collection[str] = (),
) -> argparse.ArgumentParser:
    """A command with the flags of those ``sections`` of the settings; of all, if none is named."""
    parser = commands.add_parser(name, help=meaning, description=meaning[0].upper() + meaning[1:] + ".")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, TOML")
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="least weight of a logged line (default: info)",
    )
    group = parser.add_argument_group("settings")
    for item in settings.every_key():
        if sections and item.section not in sections:
            continue
        shown = f"{item.meaning} (default: {item.default})" if item.default != "" else item.meaning
        group.add_argument(item.flag, dest=item.path, metavar="…", help=shown)
    parser.set_defaults(run=run)
    return parser


def _add_labels(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from aggregator.domain.label_files.formats import FORMATS

    meaning = "exchange labels of windows with other programs"
    labels = commands.add_parser("labels", help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.")
    both = labels.add_subparsers(title="commands", required=True, metavar="COMMAND")
    load = _add(both, "import", "answer the windows that a file of labels speaks of", _labels("load"))
    load.add_argument("file", type=Path, metavar="FILE", help="file of labels")
    load.add_argument("--reviewer", required=True, metavar="NAME", help="in whose name")
    load.add_argument("--add-labels", action="store_true", help="add labels that are not known yet")
    dump = _add(both, "export", "write what reviewers say of windows", _labels("dump"))
    dump.add_argument("--out", type=Path, metavar="FILE", help="where to (default: standard output)")
    dump.add_argument("--reviewer", default="", metavar="NAME", help="only what this one says")
    for parser, of_start in ((load, "1970"), (dump, "the first window, or 1970 where files say dates")):
        parser.add_argument("--format", choices=tuple(FORMATS), required=True, help="how labels are written")
        parser.add_argument(
            "--node", default="", metavar="NAME", help="the node, where the file does not say it"
        )
        parser.add_argument(
            "--start",
            metavar="TIME",
            help=f"what times count from: 2026-05-01T18:30 (UTC), or seconds from 1970 (default: {of_start})",
        )
        parser.add_argument("--json", action="store_true", help="say what was done as JSON")


def _labels(name: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        from aggregator.commands import labels

        status: int = getattr(labels, name)(given.settings_of(arguments), arguments)
        return status

    return run


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from aggregator.demo import command

    command.add_parser(commands)


def _program(name: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        from aggregator import programs

        status: int = getattr(programs, name)(given.settings_of(arguments))
        return status

    return run


def _password(arguments: argparse.Namespace) -> int:
    from aggregator import programs
    from aggregator.commands.new_password import new_password

    return programs.password(given.settings_of(arguments), new_password(ADMIN))


def _serve(arguments: argparse.Namespace) -> int:
    from aggregator import programs

    chosen = given.settings_of(arguments)
    return programs.serve(chosen, settings.as_environment(chosen))


def _trainer(arguments: argparse.Namespace) -> int:
    from aggregator import programs

    return programs.trainer(given.settings_of(arguments), until_idle=arguments.until_idle)


def _stats(arguments: argparse.Namespace) -> int:
    from aggregator import programs

    return programs.statistics(given.settings_of(arguments), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
