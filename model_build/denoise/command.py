"""What ``model-build train`` does where the model is a denoiser."""

import argparse
import dataclasses
from typing import Any

from contract.bundle import read_bundle
from model_build.console import Console, require_folder, without_chatter, write_whole
from model_build.denoise.recipe import load_denoise_recipe
from model_build.denoise.sources import Places
from model_build.errors import ModelBuildError


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Make the bundle; what ``--json`` prints."""
    recipe = load_denoise_recipe(options.recipe)
    if not options.noise:
        raise ModelBuildError("a denoiser learns from noise, too: name a folder of it with --noise")
    require_folder(options.out)
    with without_chatter():
        from model_build.denoise.factory import build
    given = {
        name: value
        for name, value in (("seed", options.seed), ("steps", options.epochs))
        if value is not None
    }
    chosen = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, **given))
    places = Places(speech=options.data, noises=tuple(options.noise), words=options.words)
    work = options.work or options.out.with_name(f"{options.out.name}.work")
    with Console() as console:
        built = build(chosen, places, console.progress, work=work, limit=options.limit)
    write_whole(options.out, built.content)
    for name, value in built.metrics.items():
        console.say(f"{name} {value:.3f}")
    console.say(f"{options.out}: {len(built.content) / 1000:.0f} kB")
    return {
        "bundle": str(options.out),
        "size_bytes": len(built.content),
        "metrics": dict(read_bundle(built.content).manifest.metrics),
    }
