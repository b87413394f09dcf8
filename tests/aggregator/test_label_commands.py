"""``aggregator labels``: files in and out of a real store, as a shell sees it."""

import json
from pathlib import Path

import pytest

from aggregator import bootstrap
from aggregator.__main__ import main
from aggregator.services.review import ReviewService
from aggregator.settings import Settings, Store
from tests.aggregator.heard import Heard
from tests.aggregator.messages import NOW_S

START = str(NOW_S - 86_400)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with two windows that were answered."""
    opened = bootstrap.database(Settings(store=Store(folder=str(tmp_path))), migrate=True)
    heard = Heard(opened)
    heard.node("attic")
    for at_s in (10.0, 20.0):
        heard.window(at_s=at_s)
    heard.cards()
    review = ReviewService(opened)
    review.answer(1, "Ada", "label", label_id=1)
    review.answer(2, "Ada", "none")
    opened.close()
    return tmp_path


def test_labels_go_out_and_come_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "attic.txt"
    where = ["--store-folder", str(folder), "--format", "audacity", "--node", "attic", "--start", START]
    assert main(["labels", "export", *where, "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["reviews"], told["origin_s"]) == (2, float(START))
    assert out.read_text() == "10.000000\t12.000000\tdog\n20.000000\t22.000000\tnone of them\n"
    out.write_text(out.read_text() + "30\tx\tdog\n")
    assert main(["labels", "import", *where, "--reviewer", "Bo", "--json", str(out)]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["windows"] == 2
    assert report["bad"] == [{"file": str(out), "line": 3, "why": "'x' is not a number of seconds"}]
    assert main(["labels", "import", *where, "--reviewer", "Bo", str(out)]) == 1
    said = capsys.readouterr()
    assert "2 windows had just that answer before" in said.out
    assert f"{out}:3: 'x' is not a number of seconds" in said.err


def test_the_export_goes_to_standard_output_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["labels", "export", "--store-folder", str(folder), "--format", "csv"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "node,start_s,end_s,label,reviewer,window_id"
    assert said.err.strip() == "2 answers"


@pytest.mark.parametrize(
    "words",
    [
        ["import", "--format", "csv", "--reviewer", "Bo", "no-such-file"],
        ["export", "--format", "audacity"],
        ["export", "--format", "raven", "--start", "soon"],
        ["export", "--format", "csv", "--out", "no/such/folder/x.csv"],
    ],
)
def test_what_cannot_be_done_is_said(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command, *rest = words
    assert main(["labels", command, "--store-folder", str(folder), *rest]) == 1
    assert capsys.readouterr().err.startswith("aggregator: ")
