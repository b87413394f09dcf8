"""What ``model-build train`` and ``evaluate`` do where the model is one of anomaly."""

import argparse
import dataclasses
from typing import Any

from contract.bundle import Bundle, read_bundle
from model_build.anomaly.measure import AnomalyScore, measure
from model_build.anomaly.recipe import load_anomaly_recipe
from model_build.anomaly.recordings import find_recordings
from model_build.console import Console, without_chatter, write_whole
from model_build.errors import ModelBuildError, RecipeError


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Make the bundle; what ``--json`` prints."""
    recipe = load_anomaly_recipe(options.recipe)
    # What is missing is better said now than after some minutes.
    find_recordings(options.data, recipe.normal)
    if not options.out.resolve().parent.is_dir():
        raise ModelBuildError(f"{options.out}: there is no folder to write it to")
    with without_chatter():
        from model_build.anomaly.factory import build
    given = {
        name: getattr(options, name) for name in ("seed", "epochs") if getattr(options, name) is not None
    }
    chosen = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, **given))
    work = options.work or options.out.with_name(f"{options.out.name}.work")
    with Console() as console:
        built = build(chosen, options.data, console.progress, work=work, limit=options.limit)
    write_whole(options.out, built.content)
    _say(console, built.score, built.broken)
    console.say(f"{options.out}: {len(built.content) / 1000:.0f} kB")
    return {
        "bundle": str(options.out),
        "size_bytes": len(built.content),
        **built.score.to_plain(),
        "skipped": list(built.broken),
        "metrics": dict(read_bundle(built.content).manifest.metrics),
    }


def evaluate(bundle: Bundle, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure ``bundle``; what ``--json`` prints."""
    if options.report or options.stream:
        raise ModelBuildError("--report and --stream are for classifiers; an anomaly model has neither")
    normal = _normal_categories(options.recipe or bundle.manifest.recipe, needed=bool(options.recipe))
    score, broken = measure(
        bundle, options.data, console.progress, split=options.split, normal=normal, limit=options.limit
    )
    _say(console, score, broken)
    return {**score.to_plain(), "skipped": list(broken)}


def _normal_categories(recipe: str, *, needed: bool) -> tuple[str, ...]:
    """Those of the recipe; a bundle's own may lie elsewhere, and mostly reads folders, which needs none."""
    try:
        return load_anomaly_recipe(recipe).normal
    except RecipeError:
        if needed:
            raise
        return ()


def _say(console: Console, score: AnomalyScore, broken: tuple[str, ...]) -> None:
    for sentence in broken:
        console.warn(f"skipped {sentence}")
    for sentence in score.sentences():
        console.say(sentence)
