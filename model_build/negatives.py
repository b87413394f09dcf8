"""Recordings that hold no target: what a device hears all day, to learn from and to be measured on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model_build.audio_file import read_pcm
from model_build.dataset import Pcm, Progress
from model_build.errors import DatasetError
from model_build.recipe import NegativesRecipe, Recipe

SOUND_FILES = (".flac", ".mp3", ".ogg", ".opus", ".wav")


@dataclass(frozen=True, slots=True, kw_only=True)
class Negative:
    """A long recording without a target."""

    table: NegativesRecipe
    path: Path
    pcm: Pcm

    @property
    def held_out(self) -> bool:
        """Whether it is kept for measuring."""
        return is_held_out(self.path, self.table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Negatives:
    """What was found of the recipe's negatives."""

    learned: tuple[Negative, ...]
    held_out: tuple[Negative, ...]
    broken: tuple[str, ...]
    """One sentence for each file or folder that is left out."""

    def clips(self, table: NegativesRecipe) -> int:
        """Recordings of ``table`` that are learned from."""
        return sum(negative.table == table for negative in self.learned)


def is_held_out(path: Path, table: NegativesRecipe) -> bool:
    """Whether a recording is kept for measuring; takes of one source are on the same side."""
    source = "-".join(path.stem.split("-")[:2])
    place = int(hashlib.sha256(source.encode()).hexdigest()[:8], 16) / 16**8
    return place < table.held_out


def not_learned(paths: Sequence[Path], folder: str, recipe: Recipe) -> list[Path]:
    """Those of the recordings in the folder called ``folder`` that ``recipe`` does not learn from."""
    tables = [table for table in recipe.negatives if table.folder == folder]
    return [path for path in paths if all(is_held_out(path, table) for table in tables)]


def load_negatives(recipe: Recipe, places: Sequence[Path], progress: Progress) -> Negatives:
    """The recipe's negatives, each folder looked for in ``places`` in turn; what is absent is named."""
    found, broken = [], []
    for table in recipe.negatives:
        folders = [place / table.folder for place in places if (place / table.folder).is_dir()]
        if not folders:
            broken.append(f"{table.folder}: is in none of the places; the model learns without {table.name}")
            continue
        paths = sorted(path for path in folders[0].rglob("*") if path.suffix.lower() in SOUND_FILES)
        for index, path in enumerate(paths):
            try:
                found.append(Negative(table=table, path=path, pcm=read_pcm(path)))
            except DatasetError as error:
                broken.append(str(error))
            progress(f"reading {table.folder}", index + 1, len(paths))
    return Negatives(
        learned=tuple(negative for negative in found if not negative.held_out),
        held_out=tuple(negative for negative in found if negative.held_out),
        broken=tuple(broken),
    )
