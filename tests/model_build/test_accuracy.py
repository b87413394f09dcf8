"""The shipped bundles on recordings that they did not learn from, or learned from where that is said."""

from pathlib import Path

import pytest

from contract.bundle import read_bundle
from model_build.measure import measure


def quiet(_what: str, _done: int, _total: int) -> None:
    pass


def test_keywords_recognise_validation_clips(shared_data: Path, models: Path) -> None:
    """787 clips are there; 30 of each word take a few seconds."""
    bundle = read_bundle(models / "keywords.bundle")
    result, broken = measure(bundle, shared_data / "speech_commands", "validation", quiet, limit=30)
    assert not broken
    assert result.clips > 200
    assert result.accuracy >= 0.92


def test_sounds_recognise_what_they_learned(shared_data: Path, models: Path) -> None:
    """The shipped model has learned from every fold here; what it does on others is in its metrics."""
    bundle = read_bundle(models / "sounds.bundle")
    result, broken = measure(bundle, shared_data / "esc10", "4", quiet, limit=4)
    assert not broken
    assert result.accuracy >= 0.85
    assert bundle.manifest.metrics["validation_clips"] > 300


@pytest.mark.parametrize(("name", "least"), [("keywords", 0.93), ("sounds", 0.76)])
def test_the_metrics_of_the_manifest_are_those_promised(models: Path, name: str, least: float) -> None:
    assert read_bundle(models / f"{name}.bundle").manifest.metrics["validation_accuracy"] >= least
