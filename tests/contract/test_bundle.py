"""A bundle is read whole and true, or refused."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.bundle import LIMIT_BYTES, Bundle, read_bundle, write_bundle
from contract.errors import BundleError

FILES = {"preprocess.tflite": b"pre", "classifier.tflite": b"class", "selftest.cbor": b"self"}
FIELDS: dict[str, Any] = {
    "name": "keywords", "version": "1.0.0", "kind": "classifier", "description": "Words.",
    "labels": ["yes", "_silence_"], "thresholds": {"yes": 0.7}, "smoothing_s": 0.2, "refractory_s": 1.0,
    "clip_rule": "mean", "clip_gate_db": None, "step_frames": 4, "context_s": 1.0,
    "minimum_agent_version": "0.1.0", "recipe": "keywords", "datasets": [], "metrics": {"accuracy": 0.9},
}  # fmt: skip
GOOD = write_bundle(FIELDS, FILES)


def test_what_was_written_is_read() -> None:
    bundle = read_bundle(GOOD)
    assert bundle.files == FILES
    assert bundle.manifest.model == "keywords@1.0.0"
    assert bundle.manifest.labels == ("yes", "_silence_")


def test_same_content_gives_same_bytes() -> None:
    assert write_bundle(dict(reversed(FIELDS.items())), dict(reversed(FILES.items()))) == GOOD


def test_every_flipped_bit_is_refused() -> None:
    for position in range(len(GOOD)):
        damaged = bytearray(GOOD)
        damaged[position] ^= 1 << (position % 8)
        with pytest.raises(BundleError):
            read_bundle(bytes(damaged))


def test_every_cut_is_refused() -> None:
    for length in range(len(GOOD)):
        with pytest.raises(BundleError):
            read_bundle(GOOD[:length])


@given(st.binary(max_size=400))
def test_any_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(BundleError):
        read_bundle(content)


def test_bytes_behind_the_end_are_refused() -> None:
    with pytest.raises(BundleError):
        read_bundle(GOOD + b"x")


def test_a_huge_file_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.bundle"
    with path.open("wb") as file:
        file.truncate(1_000_000_000)
    with pytest.raises(BundleError, match=f"larger than {LIMIT_BYTES}"):
        read_bundle(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="absent"):
        read_bundle(tmp_path / "absent.bundle")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": ["yes", "yes"]}, "twice"),
        ({"thresholds": {}}, "thresholds"),
        ({"thresholds": {"yes": float("nan")}}, "finite"),
        ({"smoothing_s": "long"}, "smoothing_s"),
        ({"name": "Key Words"}, "name"),
        ({"clip_rule": "coin"}, "clip_rule"),
        ({"surprise": 1}, "surprise"),
        ({"kind": "oracle"}, "kind: must be one of classifier, anomaly"),
        ({"kind": "anomaly"}, "a model of kind anomaly has _normal_, anomaly"),
        ({"labels": ["yes", "anomaly"], "thresholds": {"yes": 0.7, "anomaly": 0.7}}, "only a model of kind"),
    ],
)
def test_a_bad_manifest_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises((BundleError, TypeError), match=reason):
        write_bundle(FIELDS | change, FILES)


def test_an_anomaly_model_has_its_two_labels() -> None:
    anomaly = {"kind": "anomaly", "labels": ["_normal_", "anomaly"], "thresholds": {"anomaly": 0.8}}
    manifest = read_bundle(write_bundle(FIELDS | anomaly, FILES)).manifest
    assert (manifest.kind, manifest.labels) == ("anomaly", ("_normal_", "anomaly"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": 99}, "schema"),
        ({"mel_bins": 64}, "mel_bins"),
        ({"rate_hz": 8000}, "rate_hz"),
        ({"frontend_digest": "0" * 64}, "frontend_digest"),
        ({"surprise": 1}, "unknown field"),
    ],
)
def test_a_manifest_of_another_contract_is_refused(change: dict[str, Any], reason: str) -> None:
    manifest = read_bundle(GOOD).manifest.to_plain() | change
    with pytest.raises(BundleError, match=reason):
        read_bundle(packed({"manifest.json": json.dumps(manifest).encode(), **FILES}))


def test_a_compressed_bomb_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", bytes(50_000_000))
    with pytest.raises(BundleError, match="stored"):
        read_bundle(target.getvalue())


def test_a_file_that_the_manifest_does_not_name_is_refused() -> None:
    manifest = json.dumps(read_bundle(GOOD).manifest.to_plain()).encode()
    with pytest.raises(BundleError, match="does not hold the files"):
        read_bundle(packed({"manifest.json": manifest, **FILES, "extra": b"x"}))


def packed(members: dict[str, bytes]) -> bytes:
    """A well-formed archive of any members."""
    from contract import bundle

    return bundle._pack(members)


def test_a_bundle_is_a_value() -> None:
    assert isinstance(read_bundle(GOOD), Bundle)
    assert read_bundle(GOOD) == read_bundle(GOOD)
