"""``edge-agent models``: what lies where, what is in service, what failed. Only reads."""

import json
import time
from typing import Any

from edge_agent.settings import Settings
from edge_agent.update import kept
from edge_agent.update.files import Files
from edge_agent.update.floor import FIRST, Floor
from edge_agent.update.job import Workbench
from edge_agent.update.making import make_store
from edge_agent.update.pointer import Held, Pointer
from edge_agent.update.slots import SHIPPED, Place
from edge_agent.update.store import ModelStore


def show(settings: Settings, *, as_json: bool) -> int:
    """Print it; the exit code, 1 if no bundle can be read at all."""
    store = make_store(settings)
    plain = describe(store, taken=settings.update.active)
    print(json.dumps(plain) if as_json else "\n".join(_lines(plain)))  # noqa: T201
    return 0 if plain["places"] else 1


def describe(store: ModelStore, *, taken: bool) -> dict[str, Any]:
    """All of it, as plain values."""
    pointer, starts, job = store.pointer(), store.starts(), Workbench(store.folder / "part", Files()).job()
    floor = kept.read(store.folder / "floor.json", Floor) or FIRST
    part = Workbench(store.folder / "part", Files()).part(job) if job else None
    return {
        "takes_updates": taken,
        "places": [
            {"slot": place.slot, "digest": place.digest, "path": str(place.path),
             "role": _role(pointer, place)}
            for place in store.places() if place.digest
        ],
        "pointer": pointer.to_plain(),
        "starts": None if starts is None else starts.to_plain(),
        "job": None if job is None or part is None else {
            **job.to_plain(), "part_bytes": part.stat().st_size if part.exists() else 0,
        },
        "floor_s": floor.time_s,
        "metadata_versions": {role: seen.version for role, seen in floor.seen.items()},
    }  # fmt: skip


def _role(pointer: Pointer, place: Place) -> str:
    if place.slot == SHIPPED and pointer.in_service is None:
        return "in service"
    roles: list[tuple[str, Held | None]] = [
        ("on probation", pointer.probation), ("in service", pointer.in_service), ("before", pointer.before),
    ]  # fmt: skip
    return next((role for role, held in roles if held is not None and held.digest == place.digest), "")


def _lines(plain: dict[str, Any]) -> list[str]:
    pointer = plain["pointer"]
    lines = [
        f"{place['slot']:8} {place['digest'][:12]} {place['role']}".rstrip() for place in plain["places"]
    ]
    if pointer["probation"]:
        lines.append(f"starts on probation that have not ended well: {pointer['starts']}")
    if plain["starts"] and plain["starts"]["count"] > 1:
        lines.append(f"starts in a row that have not ended well: {plain['starts']['count']}")
    for failed in pointer["failed"]:
        lines.append(f"failed   {failed['digest'][:12]} attempt {failed['attempt']}: {failed['reason']}")
    if plain["job"]:
        job = plain["job"]
        lines.append(f"job      {job['digest'][:12]} {job['target']}, attempt {job['attempt']}")
    lines.append(f"floor    {time.strftime('%Y-%m-%d %H:%M', time.gmtime(plain['floor_s']))} UTC")
    lines.append("updates  are taken" if plain["takes_updates"] else "updates  are not taken: [update] root")
    return lines
