"""Rare words are spoken until there are enough, always in the same way."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from model_build import speech
from model_build.dataset import Clip, Sound
from model_build.recipe import load_recipe

RECIPE = load_recipe("keywords")
FEW = dataclasses.replace(RECIPE, augment=dataclasses.replace(RECIPE.augment, spoken_clips=3))


def sounds(**counts: int) -> list[Sound]:
    return [
        Sound(
            clip=Clip(path=Path(word, str(index)), word=word, split="training"),
            label=word if word in RECIPE.targets else "_unknown_",
            pcm=np.zeros(16_000, np.int16),
        )
        for word, count in counts.items()
        for index in range(count)
    ]


@pytest.fixture
def spoken() -> list[Sound]:
    assert speech.can_speak(), "espeak-ng is among the Debian packages that the set-up installs"
    return speech.spoken_sounds(FEW, sounds(yes=3, marvin=1, happy=2), lambda *_: None)


def test_only_what_lacks_is_spoken(spoken: list[Sound]) -> None:
    assert [sound.clip.word for sound in spoken] == ["happy", "marvin", "marvin"]
    assert {sound.label for sound in spoken} == {"_unknown_"}


def test_every_voice_is_another_and_the_same_next_time(spoken: list[Sound]) -> None:
    again = speech.spoken_sounds(FEW, sounds(yes=3, marvin=1, happy=2), lambda *_: None)
    for one, other in zip(spoken, again, strict=True):
        assert np.array_equal(one.pcm, other.pcm)
    assert not np.array_equal(spoken[1].pcm, spoken[2].pcm)
    for sound in spoken:
        assert sound.pcm.size == 16_000
        assert np.abs(sound.pcm).max() > 5_000


def test_without_espeak_nothing_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert speech.spoken_sounds(FEW, sounds(marvin=1), lambda *_: None) == []
