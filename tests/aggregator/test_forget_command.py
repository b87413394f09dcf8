"""``aggregator forget`` as a user, or a script, meets it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator import bootstrap
from aggregator.__main__ import main
from aggregator.services.deletion import DeletionService
from aggregator.settings import Settings, Store
from tests.aggregator.heard import Heard


@pytest.fixture
def deletion(tmp_path: Path) -> Iterator[DeletionService]:
    """That of a data folder with two windows of one node."""
    settings = Settings(store=Store(folder=str(tmp_path)))
    opened = bootstrap.database(settings, migrate=True)
    heard = Heard(opened)
    heard.node("attic")
    heard.window(at_s=0)
    heard.window(at_s=60)
    yield bootstrap.deletion(settings, opened)
    opened.close()


def test_nothing_goes_before_yes(
    deletion: DeletionService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--store-folder", str(tmp_path)]
    assert main(["forget", "--node", "attic", *where]) == 3
    assert "2 windows of features\nnothing was deleted: add --yes" in capsys.readouterr().out
    assert main(["forget", "--node", "attic", "--json", *where]) == 3
    assert json.loads(capsys.readouterr().out)["counts"]["windows"] == 2
    assert main(["forget", "--window", "1", "--yes", "--by", "Ada", *where]) == 0
    assert "1 windows of features" in capsys.readouterr().out
    assert main(["forget", "--node", "attic", "--until", "1970-01-01", "--yes", *where]) == 0
    assert "there is nothing of it" in capsys.readouterr().out
    assert main(["forget", "--node", "attic", "--yes", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["windows"] == 1
    assert [(one.scope, one.who) for one in deletion.newest()][-1] == ("window", "Ada")
    assert deletion.plan_node("attic").counts.nothing


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--window", "9"], "there is no window 9"),
        (["--node", "barn"], "no node called 'barn'"),
        (["--node", "attic", "--until", "soon"], "--until: 'soon' is neither a time"),
        (["--window", "1", "--until", "0"], "--until goes with --node"),
    ],
)
def test_what_cannot_be_deleted_is_said(
    deletion: DeletionService,
    tmp_path: Path,
    words: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["forget", *words, "--yes", "--store-folder", str(tmp_path)]) == 1
    assert says in capsys.readouterr().err
    assert deletion.newest() == []
