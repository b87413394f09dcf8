"""Whether an unpacked folder is the data set that it should be."""

import csv
from collections import Counter
from pathlib import Path

import soundfile

from model_build.errors import DatasetError

SPEECH_WORDS = 35
ESC50_CLIPS, ESC50_FOLDS, ESC50_CLASSES = 2000, 5, 50
ESC50_CLIP_S = 5.0


def check_speech_commands(folder: Path) -> None:
    """All words, noise and lists are there; that the bytes are right the archive's digest has shown."""
    words = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))]
    missing = [
        name
        for name in ("_background_noise_", "validation_list.txt", "testing_list.txt")
        if not (folder / name).exists()
    ]
    if len(words) != SPEECH_WORDS or missing:
        lack = f", and no {' and no '.join(missing)}" if missing else ""
        raise DatasetError(f"{folder}: holds {len(words)} words instead of {SPEECH_WORDS}{lack}")


def check_esc50(folder: Path) -> None:
    """The table has its 2,000 clips, evenly over folds and classes, each readable and five seconds long.

    The archive of this data set is packed anew by its server, so that no digest of it can be known.
    """
    table = folder / "meta" / "esc50.csv"
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = [(row["filename"], row["fold"], row["category"]) for row in csv.DictReader(file)]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{table}: is not the table of ESC-50: {error}") from error
    folds, classes = Counter(fold for _, fold, _ in rows), Counter(name for _, _, name in rows)
    if (len(rows), len(folds), len(classes)) != (ESC50_CLIPS, ESC50_FOLDS, ESC50_CLASSES):
        raise DatasetError(
            f"{table}: has {len(rows)} clips in {len(folds)} folds and {len(classes)} classes instead of "
            f"{ESC50_CLIPS}, {ESC50_FOLDS} and {ESC50_CLASSES}"
        )
    if len(set(folds.values())) != 1 or len(set(classes.values())) != 1:
        raise DatasetError(f"{table}: its folds or classes are not of one size")
    for name, _, _ in rows:
        _check_clip(folder / "audio" / Path(name).name)


def _check_clip(path: Path) -> None:
    try:
        found = soundfile.info(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise DatasetError(f"{path}: cannot be read as sound: {error}") from error
    if abs(found.frames / found.samplerate - ESC50_CLIP_S) > 0.05:
        length_s = found.frames / found.samplerate
        raise DatasetError(f"{path}: is {length_s:.2f} s long instead of {ESC50_CLIP_S:g} s")
