import numpy as np
import pytest

from contract.bundle import read_bundle
from contract.manifest import CLASSIFIER
from model_build import export
from model_build.errors import ConversionError, ParityError
from model_build.flatbuffer import read_model, schema, write_model
from model_build.parity import check_frontend, check_streaming
from model_build.recipe import load_recipe


def test_a_failing_child_is_an_error_with_its_last_words() -> None:
    with pytest.raises(ConversionError, match="exit code 1"):
        export._in_child(b"no archive")


def test_a_crash_of_the_converter_is_said_in_a_sentence() -> None:
    assert "crashed (signal 11)" in export._complaint(-11, "")


def test_a_cell_clip_is_refused(models) -> None:
    model = read_model(read_bundle(models / "keywords.bundle").files[CLASSIFIER])
    for op in model.subgraphs[0].operators:
        if isinstance(op.builtinOptions, schema().UnidirectionalSequenceLSTMOptionsT):
            op.builtinOptions.cellClip = 10.0
    with pytest.raises(ConversionError, match="clips its cell"):
        export.require_fused_lstm(write_model(model))


def test_a_foreign_operator_is_refused(models) -> None:
    content = read_bundle(models / "keywords.bundle").files[CLASSIFIER]
    with pytest.raises(ConversionError, match="LOGISTIC"):
        export._require_ops(content, export.CLASSIFIER_OPS - {"LOGISTIC"}, "classifier.tflite")


class Deaf:
    """A front end that hears nothing."""

    def features(self, pcm: np.ndarray) -> np.ndarray:
        return np.full((pcm.size // 320, 80), -128, np.int8)


class Forgetful:
    """A classifier that says something else each time."""

    calls = 0

    def clip(self, features: np.ndarray, frames_per_call: int) -> np.ndarray:
        self.calls += 1
        return np.full((features.shape[0] // 4, 2), self.calls, np.float32)


def test_a_wrong_front_end_fails_parity() -> None:
    with pytest.raises(ParityError, match="loud sound"):
        check_frontend(Deaf(), load_recipe("keywords").frontend)  # type: ignore[arg-type]


def test_a_classifier_that_does_not_stream_fails_parity() -> None:
    with pytest.raises(ParityError, match="frames a call"):
        check_streaming(Forgetful(), np.zeros((40, 80), np.int8))  # type: ignore[arg-type]
