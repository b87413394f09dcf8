"""What each part of a recipe's training is worth: the recipe without it, everything else alike.

    python -m benchmarks.ablation --recipe keywords --data speech_commands --limit 200 --epochs 24 --copies 6

Each row trains a model of its own, with the same budget for all, and measures it on the validation clips
as they are, in noise, and on the negatives that the recipe holds out. A row is one training with one seed:
on 787 clips two rows that differ by less than about a point and a half do not differ. Rows that are finished
are kept in ``--out`` and not trained again.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from contract.bundle import Bundle, read_bundle
from contract.manifest import CLASSIFIER, PREPROCESS
from model_build.augment import Augmenter
from model_build.console import Console, without_chatter
from model_build.dataset import VALIDATION, find_corpus, load_recordings
from model_build.evaluate import hear, score
from model_build.factory import Order, build, with_training
from model_build.recipe import Recipe, load_recipe
from model_build.runtime import Classifier, Frontend

Change = Mapping[str, Mapping[str, Any]]

ROWS: Mapping[str, Change] = {
    "the recipe without teachers": {},
    "no background noise": {"augment": {"noise_chance": 0.0}},
    "no rooms": {"augment": {"room_chance": 0.0}},
    "no change of speed": {"augment": {"speed": 0.0}},
    "no shift in time": {"augment": {"shift_s": 0.0}},
    "no clipping, offset, codec": {
        "augment": {"overdrive_chance": 0.0, "offset_chance": 0.0, "codec_chance": 0.0}
    },
    "no other microphones": {"augment": {"tilt_db": 0.0, "lowpass_chance": 0.0, "feature_gain_db": 0.0}},
    "no holes (SpecAugment)": {"augment": {"band_mask_bins": 0, "time_mask_frames": 0}},
    "no mixup": {"augment": {"mixup": 0.0}},
    "no scrambled words": {"augment": {"scrambled_part": 0.0}},
    "no clips in a row": {"augment": {"chained_part": 0.0}},
    "no negatives": {"": {"negatives": ()}},
    "no loss for false alarms": {"training": {"rejection": 0.0}},
    "no label smoothing": {"training": {"label_smoothing": 0.0}},
    "no averaged weights": {"training": {"average_decay": 0.0}},
    "rare words also spoken": {"augment": {"spoken_clips": 60}},
    "one teacher": {"distillation": {"teachers": 1}},
    "two teachers": {"distillation": {"teachers": 2}},
}
"""A change of the recipe each; an empty name stands for the recipe itself."""

NOISE_RMS = (0.01, 0.06)


def main() -> int:
    """Train and measure every row that is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="keywords")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="at most so many clips of each word and split")
    parser.add_argument("--epochs", type=int, default=24, help="of each training (default: 24)")
    parser.add_argument("--copies", type=int, default=6, help="varied copies (default: 6)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", nargs="*", help="only rows whose name holds one of these words")
    parser.add_argument("--out", type=Path, default=Path("var/ablation.json"), help="where rows are kept")
    options = parser.parse_args()
    budget = {name: getattr(options, name) for name in ("recipe", "limit", "epochs", "copies", "seed")}
    kept = json.loads(options.out.read_text()) if options.out.is_file() else {"budget": budget, "rows": {}}
    if kept["budget"] != budget:
        raise SystemExit(f"{options.out} was made with another budget: {kept['budget']}; name another file")
    with Console() as console:
        for name, change in ROWS.items():
            wanted = not options.rows or any(word in name for word in options.rows)
            if wanted and name not in kept["rows"]:
                kept["rows"][name] = train_and_measure(changed(options, change), options, console)
                options.out.parent.mkdir(parents=True, exist_ok=True)
                options.out.write_text(json.dumps(kept, indent=1))
                console.say(f"{name}: {kept['rows'][name]}")
    print(table(kept["rows"]))
    return 0


def changed(options: argparse.Namespace, change: Change) -> Recipe:
    """The recipe with the budget and one row's change."""
    recipe = with_training(
        load_recipe(options.recipe), seed=options.seed, epochs=options.epochs, copies=options.copies
    )
    recipe = dataclasses.replace(recipe, distillation=dataclasses.replace(recipe.distillation, teachers=0))
    for part, values in change.items():
        if part:
            values = {part: dataclasses.replace(getattr(recipe, part), **values)}
        recipe = dataclasses.replace(recipe, **values)
    return recipe


def train_and_measure(recipe: Recipe, options: argparse.Namespace, console: Console) -> dict[str, float]:
    """One row: the figures of a model of its own."""
    with tempfile.TemporaryDirectory(prefix="soundpost-ablation-") as folder:
        order = Order(recipe=recipe, folder=options.data, work=Path(folder) / "work", limit=options.limit)
        bundle = read_bundle(build(order, console.progress, lambda _: None).content)
    metrics = bundle.manifest.metrics
    return {
        "clean": metrics["validation_accuracy"],
        "noisy": noisy(bundle, recipe, options, console),
        "false_alarms": metrics.get("held_out_false_alarms", float("nan")),
        "stream_hours": metrics.get("held_out_hours", 0.0),
        "missed": metrics["missed"],
    }


def noisy(bundle: Bundle, recipe: Recipe, options: argparse.Namespace, console: Console) -> float:
    """Accuracy on the validation clips in noise of an RMS between ``NOISE_RMS``, the same for every row."""
    plain = load_recipe(options.recipe)
    recordings = load_recordings(plain, find_corpus(plain, options.data), console.progress, options.limit)
    only_noise = dataclasses.replace(
        plain.augment, noise_chance=1.0, noise_rms=NOISE_RMS, gain_db=(0.0, 0.0), speed=0.0, shift_s=0.0,
        room_chance=0.0, overdrive_chance=0.0, offset_chance=0.0, codec_chance=0.0,
    )  # fmt: skip
    augmenter = Augmenter(only_noise, recordings.noises, np.random.default_rng(7))
    clips = [(sound.label, augmenter.vary(sound.pcm)) for sound in recordings.of(VALIDATION)]
    models = Frontend(bundle.files[PREPROCESS]), Classifier(bundle.files[CLASSIFIER])
    return score(hear(*models, clips, console.progress), recipe.labels, recipe.decision).accuracy


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """The rows as Markdown."""
    lines = ["| | clean, % | in noise, % | false alarms | missed at that, % |", "|---|---|---|---|---|"]
    for name, row in rows.items():
        alarms = f"{row['false_alarms']:.0f} in {row['stream_hours']:.2f} h"
        cells = [name, f"{row['clean']:.1%}", f"{row['noisy']:.1%}", alarms, f"{row['missed']:.1%}"]
        lines.append("| " + " | ".join(cell.replace("%", "") for cell in cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    with without_chatter():
        import tensorflow  # noqa: F401
    sys.exit(main())
