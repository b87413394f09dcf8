import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.bundle import Bundle, read_bundle
from contract.manifest import CLASSIFIER, PREPROCESS, SELFTEST
from model_build.evaluate import Heard
from model_build.parity import FloatListener
from model_build.parity_report import (
    PARITY,
    frontend_part,
    pack_parity,
    quantized_part,
    read_parity,
    readable,
    streamed_part,
    vectors_part,
)
from model_build.recipe import load_recipe
from model_build.runtime import Classifier, Frontend

DECISION = load_recipe("keywords").decision


def heard(label: str, *row: float) -> Heard:
    return Heard(label=label, posteriors=np.array([row], np.float32), levels_db=(-20.0,))


def report(bundle: Bundle, name: str) -> bytes:
    exported = [heard("a", 0.9, 0.1), heard("b", 0.6, 0.4)]
    floating = [heard("a", 0.9, 0.1), heard("b", 0.4, 0.6)]
    features = np.random.default_rng(0).integers(-128, 40, (50, 80)).astype(np.int8)
    return pack_parity(
        {
            "frontend": frontend_part(Frontend(bundle.files[PREPROCESS]), load_recipe(name).frontend),
            "quantized": quantized_part(
                {"parity_agreement": 0.995, "parity_nrmse": 0.0312}, floating, exported, ("a", "b"), DECISION
            ),
            "streamed": streamed_part(Classifier(bundle.files[CLASSIFIER]), features),
            "vectors": vectors_part(bundle.files[SELFTEST], 1, 0.05),
        }
    )


@pytest.fixture
def keywords(models: Path) -> Bundle:
    return read_bundle(models / "keywords.bundle")


def test_a_report_is_the_same_every_time_and_reads_well(keywords: Bundle) -> None:
    content = report(keywords, "keywords")
    assert content == report(keywords, "keywords")
    parity = json.loads(content)
    assert set(parity["streamed"]["equal"].values()) == {True}
    assert parity["quantized"]["validation"]["difference"] == -0.5
    assert max(parity["frontend"]["largest_db"].values()) <= parity["frontend"]["limit_db"]
    lines = "\n".join(readable(parity))
    assert "float 100.00%, quantized 50.00% (-50.00 points)" in lines
    assert "4 (yes), 8 (yes), 20 (yes)" in lines
    assert parity["vectors"]["sha256"][:12] in lines


@pytest.mark.parametrize(
    "content",
    [b"", b"not JSON", b"[]", b'{"schema": 2}', b"[" * 100_000, b'{"schema": 1, "x": "' + b"x" * 100_000],
)
def test_a_report_that_is_none_is_not_read(keywords: Bundle, content: bytes) -> None:
    strange = dataclasses.replace(keywords, files={**keywords.files, PARITY: content})
    assert read_parity(strange) is None
    assert readable(read_parity(strange)) == ["the bundle holds no parity report"]


@pytest.mark.parametrize(
    "part",
    [
        {"frontend": {"largest_db": {}}},
        {"quantized": 7},
        {"streamed": {"equal": {"many": True}}},
        {"vectors": {"sha256": None}},
    ],
)
def test_a_report_of_something_else_is_said(part: dict[str, Any]) -> None:
    assert readable({"schema": 1, **part}) == ["the bundle's parity report cannot be read"]


class Steady:
    """A network whose logits are the mean of the frames before, in two columns."""

    def logits(self, features: Any, *, training: bool) -> Any:
        assert not training
        steps = features.reshape(1, -1, 4, features.shape[2]).mean(axis=(2, 3))
        return Numpy(np.stack([steps, -steps], axis=2))


class Numpy:
    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def numpy(self) -> np.ndarray:
        return self.values


def test_a_network_before_its_export_is_asked_like_a_classifier() -> None:
    posteriors = FloatListener(Steady()).clip(np.full((11, 80), 1, np.int8), 4)  # type: ignore[arg-type]
    assert posteriors.shape == (2, 2)
    assert posteriors.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert posteriors[0, 0] == pytest.approx(1 / (1 + np.exp(-2.0)))
