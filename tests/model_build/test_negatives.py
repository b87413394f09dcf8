"""Recordings without a target: some are learned from, the others are kept for measuring."""

import dataclasses
from pathlib import Path

from model_build.negatives import is_held_out, load_negatives, not_learned
from model_build.recipe import load_recipe
from tests.model_build.conftest import WriteSound

RECIPE = load_recipe("keywords")
SENTENCES = next(table for table in RECIPE.negatives if table.folder == "speech_sentences")


def quiet(_what: str, _done: int, _total: int) -> None:
    pass


def test_every_recording_is_on_one_side_and_always_the_same() -> None:
    paths = [Path(f"{index:08x}-a.flac") for index in range(2000)]
    kept = not_learned(paths, "speech_sentences", RECIPE)
    assert kept == [path for path in paths if is_held_out(path, SENTENCES)]
    assert abs(len(kept) / len(paths) - SENTENCES.held_out) < 0.05


def test_takes_of_one_source_are_on_the_same_side() -> None:
    sides = {is_held_out(Path(f"1-1000-{take}-0.ogg"), SENTENCES) for take in "ABCDEFGH"}
    assert len(sides) == 1


def test_of_a_folder_that_is_not_learned_from_everything_is_kept() -> None:
    paths = [Path(f"{index}.wav") for index in range(10)]
    assert not_learned(paths, "my_kitchen", RECIPE) == paths


def test_what_is_absent_or_broken_is_named(tmp_path: Path, write_sound: WriteSound) -> None:
    write_sound(tmp_path / "speech_sentences" / "good.wav", seconds=2.0)
    (tmp_path / "speech_sentences" / "bad.wav").write_bytes(b"RIFF")
    found = load_negatives(RECIPE, [tmp_path], quiet)
    assert len(found.learned) + len(found.held_out) == 1
    assert any("bad.wav" in sentence for sentence in found.broken)
    assert any(sentence.startswith("esc10: is in none of the places") for sentence in found.broken)


def test_the_parts_add_up(tmp_path: Path, write_sound: WriteSound) -> None:
    for index in range(12):
        write_sound(tmp_path / "speech_sentences" / f"{index}.wav", seconds=1.0)
    only = dataclasses.replace(RECIPE, negatives=(SENTENCES,))
    found = load_negatives(only, [tmp_path], quiet)
    assert found.clips(SENTENCES) == len(found.learned)
    assert len(found.learned) + len(found.held_out) == 12
