"""Which model an agent starts with: never none, as long as any of them loads."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract.errors import BundleError
from edge_agent.agent.boot import boot, choose
from edge_agent.settings import ModelSettings, NodeSettings, Settings, UpdateSettings
from edge_agent.update import ModelStore
from tests.edge_agent.conftest import VERSION


def loader(*good: str) -> Callable[[Path], Any]:
    def load(path: Path) -> Any:
        content = path.read_text()
        if content not in good:
            raise BundleError(f"{content} is damaged")
        return content

    return load


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    (tmp_path / "shipped").write_text("shipped")
    made = ModelStore(tmp_path / "models", tmp_path / "shipped")
    for content in ("one", "two"):
        part = tmp_path / "part"
        part.write_text(content)
        digest = digest_of(content)
        made.stage(part)
        made.begin_probation(digest)
        if content == "one":
            made.confirm(digest)
    return made


def digest_of(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def test_the_one_on_probation_comes_first(store: ModelStore) -> None:
    loaded, choice = choose(store, loader("one", "two", "shipped"))
    assert (loaded, choice.on_probation) == ("two", True)


def test_one_that_does_not_load_is_rolled_back_and_the_one_before_runs(store: ModelStore) -> None:
    loaded, choice = choose(store, loader("one", "shipped"))
    assert (loaded, choice.on_probation) == ("one", False)
    assert store.untold is not None
    assert store.untold.reason == "it does not load: two is damaged"


def test_when_none_of_the_others_loads_the_shipped_one_runs(store: ModelStore) -> None:
    loaded, choice = choose(store, loader("shipped"))
    assert (loaded, choice.slot) == ("shipped", "shipped")


def test_if_not_even_that_loads_it_is_said(store: ModelStore) -> None:
    with pytest.raises(BundleError, match="shipped is damaged"):
        choose(store, loader())


def test_without_a_root_nothing_of_updates_is_looked_at(keywords: Path, tmp_path: Path) -> None:
    node = NodeSettings(name="attic", state=tmp_path)
    plain = Settings(node=node, model=ModelSettings(bundle=keywords))
    assert boot(plain, VERSION).store is None
    taking = Settings(
        node=node, model=ModelSettings(bundle=keywords), update=UpdateSettings(root=tmp_path / "root.json")
    )
    booted = boot(taking, VERSION)
    assert booted.choice is not None
    assert booted.choice.slot == "shipped"
