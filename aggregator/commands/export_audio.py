"""What ``aggregator export-audio`` runs."""

import argparse
from contextlib import closing
from pathlib import Path

from aggregator import bootstrap
from aggregator.commands.given import moment_s, say, say_json, settings_of, user
from aggregator.errors import SoundError
from aggregator.services.sound import Sound, SoundService
from aggregator.services.sound_files import KINDS, file_name, save


def run(arguments: argparse.Namespace) -> int:
    """Write the file, and say its name."""
    wanted: Path = arguments.out or Path()
    kind = arguments.format or wanted.suffix.removeprefix(".") or KINDS[0]
    if kind not in KINDS:
        raise SoundError(f"{wanted}: the name of a sound file ends with .{' or .'.join(KINDS)}")
    chosen = settings_of(arguments)
    with closing(bootstrap.database(chosen, migrate=True)) as opened:
        sound = _sound(bootstrap.sound(opened), arguments)
        path = wanted / file_name(sound, kind) if wanted.is_dir() else wanted
        save(sound, kind, path)
    if arguments.json:
        told = {"path": str(path), "node": sound.node, "label": sound.label, "start_s": sound.start_s}
        say_json({**told, "source": sound.source, "model": sound.model})
    else:
        say(path)
    return 0


def _sound(service: SoundService, arguments: argparse.Namespace) -> Sound:
    who = arguments.by or user()
    if arguments.window is not None:
        return service.window(arguments.window, who)
    if arguments.detection is not None:
        return service.detection(arguments.detection, who)
    return service.span(arguments.node, _time("since", arguments), _time("until", arguments), who)


def _time(name: str, arguments: argparse.Namespace) -> float:
    try:
        return moment_s(getattr(arguments, name) or "")
    except ValueError as error:
        raise SoundError(f"--node needs --since and --until; --{name}: {error}") from error
