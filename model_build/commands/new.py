"""``model-build new``."""

import argparse
from pathlib import Path
from typing import Any

HELP = "begin a model of your own sounds: a recipe and folders for recordings"

_ABOUT = """\
Make a folder NAME with a recipe, a README, and a folder for the recordings of each label.

examples:
  model-build new wake --labels computer,lights,stop
  model-build new workshop --labels "angle grinder,saw,hammer" --like sounds --into projects
  model-build new birds --data ~/recordings/birds      (labels and length of clips from what is there)

Then: model-build check, train, evaluate; NAME/README.md has the command lines.
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.description = _ABOUT
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("name", metavar="NAME", help="what the model is called: a-z 0-9 _ -")
    command.add_argument("--labels", metavar="A,B,C", default="", help="what it recognises")
    command.add_argument("--into", type=Path, default=Path(), metavar="DIR", help="where (default: here)")
    command.add_argument(
        "--like",
        choices=("keywords", "sounds"),
        help="keywords: short sounds of up to 1.5 s, as words; sounds: what lasts (default: by the length of "
        "the clips in --data; keywords without)",
    )
    command.add_argument(
        "--data", type=Path, metavar="DIR", help="recordings that are there already, instead of empty folders"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Make the folder; what ``--json`` prints."""
    from model_build.console import Console
    from model_build.project import new_project

    labels = [label.strip() for label in options.labels.split(",") if label.strip()]
    project = new_project(options.name, labels, options.into, like=options.like, clips=options.data)
    with Console() as console:
        console.say(f"{project.folder}: a model like {project.like} for {', '.join(project.labels)}")
        console.say(f"next: put recordings into {project.clips}, then")
        console.say(f"  model-build check --recipe {project.recipe} --data {project.clips}")
    return {
        "folder": str(project.folder),
        "recipe": str(project.recipe),
        "clips": str(project.clips),
        "like": project.like,
        "labels": list(project.labels),
    }
