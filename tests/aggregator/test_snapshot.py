"""A snapshot is whole or not there, and holds what was said when it was made."""

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from aggregator.errors import SnapshotError
from aggregator.services import durable_files
from aggregator.services.snapshot import Base, SnapshotService
from aggregator.services.snapshot_labels import choose, none_of
from aggregator.store.database import Database
from aggregator.store.tables import windows
from tests.aggregator.learning import SPLITS, FakeDataset, Review, Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(tmp_path)
    yield made
    made.close()


def service(workshop: Workshop, **more: Any) -> SnapshotService:
    return SnapshotService(
        workshop.database, workshop.dataset, workshop.folder / "snapshots",
        **{"new_label_windows": 3, "now": lambda: 1000.0} | more,
    )  # fmt: skip


def base(workshop: Workshop) -> Base:
    return Base(
        name="starter.base", digest="ab" * 32, frontend_digest=workshop.frontend_digest,
        labels=workshop.starter.manifest.labels,
    )  # fmt: skip


def test_it_holds_every_agreed_review(workshop: Workshop) -> None:
    reviews = [Review(number, "yes", split=SPLITS[number % 3]) for number in range(1, 8)]
    reviews += [Review(8, None), Review(9, "no", agreed=False), Review(77, "yes")]
    workshop.dataset.review(reviews, workshop.frontend_digest)
    made = service(workshop).freeze(base(workshop))
    assert (made.windows, made.labels) == (8, workshop.starter.manifest.labels)
    folder = service(workshop).path(made.id)
    told = json.loads((folder / "snapshot.json").read_text())
    assert told["schema"] == 1
    assert told["none"] == "_unknown_"
    assert (told["windows"], told["digest"], told["made_s"]) == (8, made.digest, 1000.0)
    with np.load(folder / "windows.npz", allow_pickle=False) as arrays:
        assert {name: arrays[name].dtype.str for name in sorted(arrays.files)} == {
            "frames": "|i1", "label": "<i2", "offsets": "<i8", "peak_step": "<i4", "split": "|u1",
            "window_id": "<i8",
        }  # fmt: skip
        assert arrays["frames"].shape == (8 * 20, 80)
        assert arrays["offsets"].tolist() == list(range(0, 161, 20))
        assert arrays["window_id"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
        yes = told["labels"].index("yes")
        assert arrays["label"].tolist() == [yes] * 7 + [-1]
        assert arrays["split"].tolist() == [1, 2, 0, 1, 2, 0, 1, 0]
        assert arrays["peak_step"].tolist() == [1] * 8, "silence is louder, but no target"
        first = np.frombuffer(bytes((at) % 256 for at in range(80)), np.int8)
        assert (arrays["frames"][0] == first).all()
        digest = hashlib.sha256()
        for name in sorted(arrays.files):
            digest.update(arrays[name].tobytes())
        assert digest.hexdigest() == made.digest


def test_a_renamed_label_changes_nothing_in_it(workshop: Workshop) -> None:
    frozen = service(workshop)

    def rename(done: int, total: int) -> None:
        workshop.review(12, "no")

    made = frozen.freeze(base(workshop), rename)
    with np.load(frozen.path(made.id) / "windows.npz", allow_pickle=False) as arrays:
        assert set(arrays["label"].tolist()) == {made.labels.index("yes")}
    with workshop.database.read() as connection:
        assert set(connection.scalars(text("SELECT label FROM snapshot_windows"))) == {"yes"}
    assert frozen.new_labels(workshop.frontend_digest) == 12


def test_new_labels_are_learned_from_enough_windows_on(workshop: Workshop) -> None:
    reviews = [Review(number, "wolf", split=SPLITS[number % 2]) for number in range(1, 7)]
    reviews += [Review(7, "owl"), Review(8, "owl", split="test"), Review(9, "yes")]
    workshop.dataset.review(reviews, workshop.frontend_digest)
    made = service(workshop).freeze(base(workshop))
    assert made.labels == (*workshop.starter.manifest.labels, "wolf")
    assert made.left_out == {"owl": 2}
    assert made.windows == 7


def test_without_reviews_there_is_nothing_to_freeze(workshop: Workshop) -> None:
    workshop.dataset.review([], workshop.frontend_digest)
    with pytest.raises(SnapshotError, match="review some first"):
        service(workshop).freeze(base(workshop))
    assert not list((workshop.folder / "snapshots").glob("*"))


def test_windows_that_are_deleted_meanwhile_are_left_out(workshop: Workshop) -> None:
    told: list[int] = []

    def content(done: int, total: int) -> None:
        told.append(total)

    class Deleting(FakeDataset):
        def reviewed(self, frontend_digest: str) -> list[Review]:
            found = super().reviewed(frontend_digest)
            with workshop.database.write() as connection:
                connection.execute(text("DELETE FROM windows WHERE id = 3"))
            return found

    made = service(workshop).freeze(base(workshop), content)
    frozen = SnapshotService(
        workshop.database, Deleting(workshop.dataset.path), workshop.folder / "snapshots"
    )
    again = frozen.freeze(base(workshop), content)
    assert (made.windows, again.windows) == (12, 11)
    assert again.id == made.id + 1
    assert made.digest != again.digest


def test_windows_that_vanish_while_they_are_read_make_it_begin_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aggregator.store import snapshots as rows

    real, vanished = rows.contents, []

    def vanish(connection: Any, ids: Any) -> Any:
        if not vanished:
            vanished.append(True)
            with workshop.database.write() as other:
                other.execute(text("DELETE FROM windows WHERE id = 5"))
            return {key: row for key, row in real(connection, ids).items() if key != 5}
        return real(connection, ids)

    monkeypatch.setattr(rows, "contents", vanish)
    assert service(workshop).freeze(base(workshop)).windows == 11
    assert [path.name for path in (workshop.folder / "snapshots").iterdir()] == ["1"]


class Filling(io.FileIO):
    """A file on a disk that has so much space left, for all files together."""

    left = 0

    def write(self, content: Any) -> int:
        size = len(memoryview(content).cast("B"))
        if size > Filling.left:
            raise OSError(28, "No space left on device")
        Filling.left -= size
        return super().write(content)


def filling(path: Path) -> BinaryIO:
    return io.BufferedWriter(Filling(str(path), "xb"))  # type: ignore[return-value]


@pytest.mark.parametrize("space", [0, 1, 200, 9000, 19_500, 20_000, 20_500, 21_000, 21_300])
def test_a_full_disk_leaves_nothing_behind(workshop: Workshop, space: int) -> None:
    Filling.left = space
    with pytest.raises(SnapshotError, match=r"the disk is full .*nothing was left behind"):
        service(workshop, open_file=filling).freeze(base(workshop))
    assert list((workshop.folder / "snapshots").iterdir()) == []
    with workshop.database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM snapshots")) == 0
    made = service(workshop).freeze(base(workshop))
    assert made.windows == 12


def test_a_folder_that_cannot_be_synced_leaves_nothing_behind(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        if path.name == "snapshots":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable_files, "sync_folder", refuse)
    with pytest.raises(SnapshotError, match="the disk is full"):
        service(workshop).freeze(base(workshop))
    assert list((workshop.folder / "snapshots").iterdir()) == []
    with workshop.database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM snapshot_windows")) == 0


def test_the_kernels_own_limit_is_a_clear_error(workshop: Workshop) -> None:
    """A limit on the size of files, set by the kernel in a process of its own."""
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from aggregator.errors import SnapshotError\n"
        "from aggregator.services.snapshot import Base, SnapshotService\n"
        "from aggregator.store.database import Database\n"
        "from tests.aggregator.learning import FakeDataset\n"
        "url, reviews, folder, digest = sys.argv[1:]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "service = SnapshotService(Database(url), FakeDataset(Path(reviews)), Path(folder))\n"
        "try:\n"
        "    service.freeze(Base(name='b', digest='0' * 64, frontend_digest=digest, labels=('yes', '_u_')))\n"
        "except SnapshotError as error:\n"
        "    print(error)\n"
    )
    folder = workshop.folder / "snapshots"
    arguments = [
        workshop.settings.database_url, str(workshop.dataset.path), str(folder), workshop.frontend_digest,
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    assert "the disk is full" in done.stdout
    assert list(folder.iterdir()) == []


def test_what_a_killed_process_left_is_tidied_up(workshop: Workshop) -> None:
    frozen = service(workshop)
    made = frozen.freeze(base(workshop))
    for ruin in (".draft-1-ab", str(made.id + 1)):
        (workshop.folder / "snapshots" / ruin).mkdir()
    frozen.tidy()
    assert [path.name for path in (workshop.folder / "snapshots").iterdir()] == [str(made.id)]
    assert frozen.find(made.id) == made
    assert frozen.find(made.id + 1) is None


@pytest.mark.slow
def test_twenty_thousand_windows_take_bounded_memory(
    workshop: Workshop, any_windows: Callable[[int], None]
) -> None:
    any_windows(20_000)
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from aggregator.services.snapshot import Base, SnapshotService\n"
        "from aggregator.store.database import Database\n"
        "from tests.aggregator.learning import FakeDataset\n"
        "url, reviews, folder, digest = sys.argv[1:]\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "service = SnapshotService(Database(url), FakeDataset(Path(reviews)), Path(folder))\n"
        "base = Base(name='b', digest='0' * 64, frontend_digest=digest, labels=('yes', '_u_'))\n"
        "made = service.freeze(base)\n"
        "grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "print(made.windows, made.size_bytes, grown_kb)\n"
    )
    arguments = [
        workshop.settings.database_url, str(workshop.dataset.path), str(workshop.folder / "snapshots"),
        workshop.frontend_digest,
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=120, check=True
    )
    windows, size_bytes, grown_kb = (int(word) for word in done.stdout.split())
    assert windows == 20_000
    assert size_bytes > 150_000_000
    assert grown_kb < 80_000, "the features alone are twice as much"


@pytest.fixture
def any_windows(workshop: Workshop) -> Callable[[int], None]:
    """Copies the first window until there are so many, of 100 frames, all reviewed."""

    copied = ", ".join(
        column.name for column in windows.columns if column.name not in ("id", "sequence", "frames")
    )

    def fill(count: int) -> None:
        with workshop.database.write() as connection:
            connection.execute(
                text(
                    "WITH RECURSIVE n(i) AS (SELECT 13 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
                    f"INSERT INTO windows (id, sequence, frames, {copied}) "
                    f"SELECT i, 1000 + i, randomblob(8000), {copied} FROM windows, n WHERE windows.id = 1"
                ),
                {"count": count},
            )
        workshop.review(count)

    return fill


@given(
    st.lists(
        st.builds(
            Review, st.integers(1, 50), st.sampled_from(["yes", "wolf", "owl", None]), st.booleans(),
            st.sampled_from(SPLITS),
        ),
        max_size=40,
    ),
    st.integers(1, 5),
)  # fmt: skip
def test_the_choice_of_reviews(reviews: list[Review], least: int) -> None:
    chosen = choose(reviews, ("yes", "_unknown_"), least=least)
    assert chosen.labels[:2] == ("yes", "_unknown_")
    assert all(one.agreed for one in chosen.reviews)
    assert all(one.label is None or one.label in chosen.labels for one in chosen.reviews)
    for label in chosen.labels[2:]:
        mine = [one for one in chosen.reviews if one.label == label]
        assert sum(one.split == "training" for one in mine) >= least
        assert any(one.split == "validation" for one in mine)
    assert not set(chosen.left_out) & set(chosen.labels)
    agreed = sum(one.agreed for one in reviews)
    assert len(chosen.reviews) + sum(chosen.left_out.values()) == agreed


def test_what_stands_for_none_of_them() -> None:
    assert none_of(["_silence_"]) == "_silence_"
    assert none_of([]) == "_unknown_"


def test_it_works_on_every_database(any_database: Database, tmp_path: Path) -> None:
    from aggregator.services.ingest import IngestService
    from tests.aggregator import messages

    ingest = IngestService(any_database, messages.NAMESPACE, now=lambda: messages.NOW_S)
    ingest.store([messages.incoming(messages.features(number)) for number in (1, 2, 3)])
    dataset = FakeDataset(tmp_path / "reviews.json")
    dataset.review([Review(1, "dog"), Review(2, None), Review(3, "dog", split="test")], messages.DIGEST)
    frozen = SnapshotService(any_database, dataset, tmp_path / "snapshots")
    made = frozen.freeze(
        Base(name="b", digest="0" * 64, frontend_digest=messages.DIGEST, labels=("dog", "_background_"))
    )
    assert made.windows == 3
    assert frozen.new_labels(messages.DIGEST) == 0
