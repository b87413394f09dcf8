"""What the commands of rollouts run."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Final

from aggregator import bootstrap
from aggregator.commands import ota_preview, ota_watch
from aggregator.commands.given import say, say_json, settings_of, user
from aggregator.domain.rollouts.plan import Targets
from aggregator.domain.rollouts.states import CANCELLED, HALTED, PAUSED
from aggregator.domain.rollouts.words import USUAL, read_duration, read_wave
from aggregator.services.pins import PinService
from aggregator.services.rollout_views import MemberView, RolloutView, WaveView
from aggregator.services.rollout_wish import Wish
from aggregator.services.rollouts import RolloutService

DONE: Final = 0
STOPPED: Final = 3
ROWS: Final = 50


def create(arguments: argparse.Namespace) -> int:
    """Begin a rollout, or say what it would be."""
    wish = _wish(arguments)
    with _services(arguments) as (rollouts, _):
        if arguments.preview:
            return ota_preview.tell(rollouts.preview(wish), as_json=arguments.json)
        view = rollouts.create(wish, arguments.by or user())
        if arguments.watch:
            view = _watch(rollouts, view.id, arguments)
        elif not bootstrap.rollouts_move(settings_of(arguments)):
            print(f"aggregator: {ota_watch.NOBODY}", file=sys.stderr)  # noqa: T201
    return _tell(view, as_json=arguments.json)


def list_(arguments: argparse.Namespace) -> int:
    """Print every rollout."""
    with _services(arguments) as (rollouts, _):
        every = rollouts.every()
    if arguments.json:
        say_json({"rollouts": [asdict(one) for one in every]})
    elif not every:
        say("no rollout yet; `aggregator ota rollout create` begins one")
    else:
        say(f"{'no.':>4}  {'model':24} {'state':10} {'wave':16} {'done':>11} {'failed':>6}  name")
        for one in every:
            say(_row(one))
    return DONE


def show(arguments: argparse.Namespace) -> int:
    """Print one rollout in full."""
    with _services(arguments) as (rollouts, _):
        if arguments.watch:
            _watch(rollouts, arguments.rollout, arguments)
        detail = rollouts.detail(
            arguments.rollout, state=arguments.state, node=arguments.node,
            limit=100_000 if arguments.json else ROWS,
        )  # fmt: skip
    if arguments.json:
        say_json({"rollout": asdict(detail.view), "nodes": [asdict(one) for one in detail.members]})
        return _status(detail.view)
    status = _tell(detail.view, as_json=False)
    for member in detail.members:
        say(_member(member))
    if detail.members_left:
        say(f"  … and more; --state, --node or --json shows them (the first {ROWS} are here)")
    return status


def order(arguments: argparse.Namespace) -> int:
    """Pause, resume, halt, cancel, retry: as ``arguments.order`` says."""
    with _services(arguments) as (rollouts, _):
        steer = getattr(rollouts, arguments.order)
        view = steer(arguments.rollout, arguments.by or user(), arguments.reason)
    _tell(view, as_json=arguments.json)
    return DONE


def rollback(arguments: argparse.Namespace) -> int:
    """End a rollout, and send its nodes back."""
    with _services(arguments) as (rollouts, _):
        made = rollouts.roll_back(
            arguments.rollout, arguments.by or user(), release=arguments.release, reason=arguments.reason
        )
    if arguments.json:
        say_json({"rollouts": [asdict(one) for one in made]})
    for one in () if arguments.json else made:
        say(f"rollout {one.id} sends {one.waves[0].nodes} nodes back to {one.model}")
    if not made and not arguments.json:
        say(f"rollout {arguments.rollout} is halted; no node had confirmed its release")
    return DONE


def pin(arguments: argparse.Namespace) -> int:
    """Pin a node, or list the pins."""
    with _services(arguments) as (_, pins):
        if arguments.node:
            pins.pin(
                arguments.node, arguments.by or user(), release=arguments.release, reason=arguments.reason
            )
        every = [one for one in pins.pins() if arguments.node in ("", one.node)]
    if arguments.json:
        say_json({"pins": [asdict(one) for one in every]})
        return DONE
    for one in every:
        because = f": {one.reason}" if one.reason else ""
        say(f"{one.node} is pinned to {one.model or 'what it runs'} by {one.who}{because}")
    if not every:
        say("no node is pinned")
    return DONE


def unpin(arguments: argparse.Namespace) -> int:
    """Let rollouts have a node again."""
    with _services(arguments) as (_, pins):
        pins.unpin(arguments.node, arguments.by or user(), reason=arguments.reason)
    if arguments.json:
        say_json({"node": arguments.node, "pinned": False})
    else:
        say(f"{arguments.node} is free again")
    return DONE


def _watch(rollouts: RolloutService, rollout_id: int, arguments: argparse.Namespace) -> RolloutView:
    chosen = settings_of(arguments)
    return ota_watch.watch(
        rollouts, rollout_id, quiet=arguments.json, move=lambda: bootstrap.rollouts_move(chosen)
    )


def _wish(arguments: argparse.Namespace) -> Wish:
    return Wish(
        release=arguments.release,
        name=arguments.name,
        waves=tuple(read_wave(words) for words in arguments.wave or USUAL),
        targets=Targets(
            nodes=tuple(arguments.node), tags=tuple(arguments.tag), sites=tuple(arguments.site),
            exclude=tuple(arguments.exclude), percent=arguments.percent, any_model=arguments.any_model,
        ),
        takes_new=not arguments.no_new_nodes,
        new_front_end=arguments.new_front_end,
        whole_sites=arguments.whole_sites,
        probation_s=read_duration(arguments.probation),
        zone=arguments.time_zone,
        paused=arguments.paused,
        waits=arguments.wait_for_others,
    )  # fmt: skip


def _tell(view: RolloutView, *, as_json: bool) -> int:
    if as_json:
        say_json({"rollout": asdict(view)})
        return _status(view)
    say(f"rollout {view.id}: {view.model}, {view.state}{f' ({view.reason})' if view.reason else ''}")
    say(f"  {view.name}, by {view.who}, {_moment(view.created_s)}")
    if view.zone:
        say(f"  hours are those of {view.zone}")
    for wave in view.waves:
        say(_wave(wave))
    return _status(view)


def _status(view: RolloutView) -> int:
    return STOPPED if view.state in (PAUSED, HALTED, CANCELLED) else DONE


def _row(view: RolloutView) -> str:
    wave = next((one for one in view.waves if one.state == "running"), view.waves[-1])
    counts = view.counts
    done = f"{counts['succeeded']}/{sum(counts.values())}"
    wave_name = f"{wave.number}/{len(view.waves)} {wave.name}"
    name = f"{view.id:>4}  {view.model:24} {view.state:10} {wave_name:16.16}"
    return f"{name} {done:>11} {counts['failed']:>6}  {view.name}"


def _wave(wave: WaveView) -> str:
    told = ", ".join(f"{count} {state}" for state, count in wave.counts.items() if count)
    return f"  {wave.number}. {wave.words:32} {wave.state:8} {told or 'no node'}"


def _member(member: MemberView) -> str:
    bytes_ = f" {member.done_bytes}/{member.total_bytes} B" if member.phase == "downloading" else ""
    attempt = f" (attempt {member.attempt})" if member.attempt > 1 else ""
    told = ": ".join(filter(None, (f"{member.phase}{bytes_}{attempt}".strip(), member.reason)))
    return f"  {member.node:24} {member.wave:12} {member.state:10} {told}".rstrip()


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


@contextmanager
def _services(arguments: argparse.Namespace) -> Iterator[tuple[RolloutService, PinService]]:
    chosen = settings_of(arguments)
    with closing(bootstrap.database(chosen, migrate=True)) as opened:
        yield bootstrap.rollouts(chosen, opened), bootstrap.pins(chosen, opened)
