"""Base archives and snapshots: whole ones are read, and nothing else is."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_build.errors import BaseArchiveError, SnapshotError
from model_build.retrain.archive import UnreadableError, map_arrays, write_arrays
from model_build.retrain.base import Base, Origin, Streams, Training, Validation
from model_build.retrain.base_file import read_base, write_base
from model_build.retrain.snapshot import HEAD, WINDOWS, arrays_digest, read_snapshot
from tests.model_build.fleet import Window, write_snapshot
from tests.model_build.starter import small_recipe

FRONTEND = "f" * 64


def tiny_base() -> Base:
    """A base of noise, of a network that was never trained."""
    from model_build.network import Network

    recipe, draw = small_recipe(), np.random.default_rng(0)
    network = Network(recipe.network, len(recipe.labels), 0)
    return Base(
        recipe=recipe,
        origin=Origin(
            digest="a" * 64, name="keywords", version="1", datasets=(), thresholds={"yes": 0.5},
            temperature=0.6, validation_learned=False, learned=4,
        ),
        preprocess=b"front end",
        weights={name: value.numpy() for name, value in {**network.weights, **network.moments}.items()},
        training=Training(
            features=draw.integers(-128, 128, (4, 52, 80)).astype(np.int8),
            target=np.array([0, 1, 2, 4], np.int16),
            copy=np.array([0, 0, 1, 1], np.uint8),
        ),
        validation=Validation(
            features=draw.integers(-128, 128, (2, 52, 80)).astype(np.int8),
            truth=np.array([0, 3], np.int16),
            levels_db=np.zeros((2, 13), np.float32),
        ),
        streams=Streams(
            frames=np.zeros((8, 80), np.int8),
            offsets=np.array([0, 8], np.int64),
            label=np.array([4], np.int16),
            varied=np.zeros(1, np.uint8),
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base") / "tiny.base"
    write_base(tiny_base(), path)
    return path


def test_what_was_kept_is_read(archive: Path) -> None:
    kept, read = tiny_base(), read_base(archive)
    assert read.recipe == kept.recipe
    assert read.origin == kept.origin
    assert read.preprocess == kept.preprocess
    for part in ("training", "validation", "streams"):
        for field in dataclasses.fields(getattr(kept, part)):
            expected = getattr(getattr(kept, part), field.name)
            np.testing.assert_array_equal(getattr(getattr(read, part), field.name), expected)
    for name, weights in kept.weights.items():
        np.testing.assert_array_equal(read.weights[name], weights)


def test_the_same_base_gives_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    write_base(read_base(archive), tmp_path / "again.base")
    assert (tmp_path / "again.base").read_bytes() == archive.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again.base"]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_flipped_bit_is_refused(archive: Path, data: st.DataObject) -> None:
    content = bytearray(archive.read_bytes())
    place = data.draw(st.integers(0, 8 * len(content) - 1))
    content[place // 8] ^= 1 << place % 8
    refused(archive, bytes(content))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_part_of_an_archive_is_refused(archive: Path, data: st.DataObject) -> None:
    content = archive.read_bytes()
    refused(archive, content[: data.draw(st.integers(0, len(content) - 1))])


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_other_bytes_are_refused(archive: Path, content: bytes) -> None:
    refused(archive, content)
    refused(archive, archive.read_bytes() + content + b"!")


def refused(archive: Path, content: bytes) -> None:
    path = archive.with_name("changed.base")
    path.write_bytes(content)
    with pytest.raises(BaseArchiveError, match=r"changed\.base: "):
        read_base(path)


@pytest.mark.parametrize(
    "change",
    [
        {"training": {"target": np.array([0, 1, 2, 5], np.int16)}},
        {"training": {"target": np.array([0, 1, 2], np.int16)}},
        {"training": {"features": np.zeros((4, 50, 80), np.int8)}},
        {"validation": {"levels_db": np.zeros((2, 12), np.float32)}},
        {"streams": {"offsets": np.array([0, 9], np.int64)}},
        {"streams": {"varied": np.array([2], np.uint8)}},
        {"streams": {"frames": np.zeros((8, 79), np.int8)}},
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(change: dict[str, dict[str, np.ndarray]], tmp_path: Path) -> None:
    base = tiny_base()
    parts = {part: dataclasses.replace(getattr(base, part), **arrays) for part, arrays in change.items()}
    write_base(dataclasses.replace(base, **parts), tmp_path / "bad.base")
    with pytest.raises(BaseArchiveError):
        read_base(tmp_path / "bad.base")


def test_a_path_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BaseArchiveError, match="No such file"):
        read_base(tmp_path / "none.base")
    with pytest.raises(BaseArchiveError, match="cannot be written"):
        write_base(tiny_base(), tmp_path / "nowhere" / "x.base")


@pytest.mark.parametrize("array", [np.array([{}], object), np.asfortranarray(np.ones((2, 3)))])
def test_only_plain_arrays_are_mapped(array: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=array)
    with pytest.raises(UnreadableError):
        map_arrays(tmp_path / "a.npz")


def test_compressed_arrays_and_other_members_are_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(100))
    with pytest.raises(UnreadableError, match="stored"):
        map_arrays(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", **{"../x": np.zeros(3)})
    with pytest.raises(UnreadableError, match="not the name"):
        map_arrays(tmp_path / "b.npz")


@given(st.lists(st.integers(0, 5), max_size=3), st.sampled_from(["i1", "<i8", "<f4"]))
@settings(max_examples=40, deadline=None)
def test_arrays_come_back(tmp_path_factory: pytest.TempPathFactory, shape: list[int], kind: str) -> None:
    path = tmp_path_factory.mktemp("arrays") / "a.npz"
    array = np.random.default_rng(0).integers(-9, 9, shape).astype(kind)
    read = map_arrays(write_arrays(path, {"x": array}))["x"]
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)
    with np.load(path, allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["x"], array)


def windows() -> list[Window]:
    draw = np.random.default_rng(1)
    return [
        Window(frames=draw.integers(-50, 50, (count, 80)).astype(np.int8), label=label, split=split)
        for count, label, split in ((9, "go", "training"), (30, None, "validation"), (52, "yes", "test"))
    ]


def test_a_snapshot_is_read_as_it_was_frozen(tmp_path: Path) -> None:
    snapshot = read_snapshot(write_snapshot(tmp_path / "s", windows(), FRONTEND))
    for index, window in enumerate(windows()):
        np.testing.assert_array_equal(snapshot.window(index), window.frames)
        assert snapshot.name(index) == window.label
    assert snapshot.of(0).tolist() == [0]


@pytest.mark.parametrize("field", ["frontend_digest", "labels", "windows", "digest", "schema", "none"])
def test_a_description_that_lacks_something_is_refused(field: str, tmp_path: Path) -> None:
    folder = write_snapshot(tmp_path / "s", windows(), FRONTEND)
    head = json.loads((folder / HEAD).read_text())
    del head[field]
    (folder / HEAD).write_text(json.dumps(head))
    with pytest.raises(SnapshotError, match=field):
        read_snapshot(folder)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("offsets", np.array([0, 9, 39, 90], np.int64)),
        ("offsets", np.array([0, 39, 9, 91], np.int64)),
        ("label", np.array([0, 2, 1], np.int16)),
        ("label", np.array([0, -2, 1], np.int16)),
        ("split", np.array([0, 3, 1], np.uint8)),
        ("window_id", np.array([1, 2, 3], np.int32)),
        ("frames", np.zeros((91, 79), np.int8)),
        ("strange", np.zeros(3)),
    ],
)  # fmt: skip
def test_windows_that_do_not_fit_are_refused(name: str, array: np.ndarray, tmp_path: Path) -> None:
    folder = write_snapshot(tmp_path / "s", windows(), FRONTEND)
    with np.load(folder / WINDOWS) as stored:
        arrays = {**stored, name: array}
    np.savez(folder / WINDOWS, **arrays)
    head = json.loads((folder / HEAD).read_text())
    (folder / HEAD).write_text(json.dumps(head | {"digest": arrays_digest(arrays)}))
    with pytest.raises(SnapshotError):
        read_snapshot(folder)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_changed_windows_are_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A bit of the content changes the digest; one of the container must change nothing that is read."""
    folder = write_snapshot(tmp_path_factory.mktemp("s"), windows(), FRONTEND)
    content = bytearray((folder / WINDOWS).read_bytes())
    place = data.draw(st.integers(0, 8 * len(content) - 1))
    content[place // 8] ^= 1 << place % 8
    (folder / WINDOWS).write_bytes(content)
    try:
        snapshot = read_snapshot(folder)
    except SnapshotError:
        return
    for index, window in enumerate(windows()):
        np.testing.assert_array_equal(snapshot.window(index), window.frames)
