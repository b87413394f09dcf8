"""The form that makes a rollout: as texts, and as a wish. Pure."""

from collections.abc import Mapping
from typing import Final

from aggregator.domain.rollouts.plan import Targets
from aggregator.domain.rollouts.words import USUAL, read_duration, read_wave
from aggregator.errors import RolloutError
from aggregator.services.rollout_wish import Wish

FIELDS: Final = (
    "release",
    "name",
    "waves",
    "nodes",
    "tags",
    "sites",
    "exclude",
    "percent",
    "probation",
    "zone",
    "seed",
)
SWITCHES: Final = ("any_model", "new_front_end", "whole_sites", "no_new_nodes", "waits", "paused")


def fresh(release: str) -> dict[str, str]:
    """A form that nobody has filled in."""
    empty = dict.fromkeys((*FIELDS, *SWITCHES), "")
    return empty | {"release": release, "waves": "\n".join(USUAL), "percent": "100", "probation": "60s"}


def texts_of(form: Mapping[str, str]) -> dict[str, str]:
    """What a form says."""
    return {name: form.get(name, "").strip() for name in (*FIELDS, *SWITCHES)}


def wish_of(texts: Mapping[str, str]) -> Wish:
    """The rollout that the texts ask for; ``RolloutError`` says what cannot be read."""
    return Wish(
        release=texts["release"],
        name=texts["name"],
        waves=tuple(read_wave(line) for line in texts["waves"].splitlines() if line.strip()),
        targets=Targets(
            nodes=_names(texts["nodes"]), tags=_names(texts["tags"]), sites=_names(texts["sites"], ","),
            exclude=_names(texts["exclude"]), percent=_percent(texts["percent"]),
            any_model=bool(texts["any_model"]),
        ),
        seed=texts["seed"],
        takes_new=not texts["no_new_nodes"],
        new_front_end=bool(texts["new_front_end"]),
        whole_sites=bool(texts["whole_sites"]),
        zone=texts["zone"],
        probation_s=read_duration(texts["probation"] or "60s"),
        paused=bool(texts["paused"]),
        waits=bool(texts["waits"]),
    )  # fmt: skip


def _names(text: str, separator: str | None = None) -> tuple[str, ...]:
    parts = text.split(separator) if separator else text.replace(",", " ").split()
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _percent(text: str) -> float:
    try:
        return float(text or "100")
    except ValueError as error:
        raise RolloutError(f"{text!r} is no percentage of the targets") from error
