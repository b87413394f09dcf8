"""Settings: three sources, one order, nothing unknown."""

from pathlib import Path

import pytest

from aggregator import settings
from aggregator.errors import SettingsError
from aggregator.settings import Settings, load


def test_the_last_word_wins(tmp_path: Path) -> None:
    file = tmp_path / "aggregator.toml"
    file.write_text('[broker]\nhost = "from-file"\nport = 1\nkeepalive_s = 10\n[fleet]\nsilent_after_s = 5\n')
    environment = {"SOUNDPOST_AGGREGATOR_BROKER_PORT": "2", "SOUNDPOST_AGGREGATOR_BROKER_TLS": "yes"}
    chosen = load(file, environment, {"broker.port": "3", "web.port": None})
    assert (chosen.broker.host, chosen.broker.port, chosen.broker.keepalive_s) == ("from-file", 3, 10)
    assert (chosen.broker.tls, chosen.fleet.silent_after_s) == (True, 5.0)
    assert chosen.web.port == 8080


def test_children_get_the_same_settings() -> None:
    chosen = load(None, {}, {"broker.port": "99", "broker.tls": "true", "fleet.silent_after_s": "2.5"})
    assert load(None, settings.as_environment(chosen), {}) == chosen


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[broker]\nhots = 'x'", r"unknown key broker\.hots; did you mean broker\.host"),
        ("[brokr]\nhost = 'x'", r"did you mean broker\.host"),
        ("port = 1", "outside any section"),
        ("[broker]\nport = 'many'", r"broker\.port: 'many' is not a whole number"),
        ("[broker]\nport = true", r"broker\.port: True is not a whole number"),
        ("[broker]\nport = 1.5", "not a whole number"),
        ("[broker]\nport = 70000", "from 1 to 65535"),
        ("[fleet]\nsilent_after_s = nan", "at least 1"),
        ("[broker]\ntls = 3", "true or false"),
        ("[broker]\nprotocol = '4'", "one of auto"),
        ("[broker]\nkey_file = 'k'", "both or neither"),
        ("[fleet]\nnamespace = 'A/b'", "namespace"),
        ("not toml", "aggregator.toml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "aggregator.toml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=complaint):
        load(file, {}, {})


def test_unknown_variables_are_refused() -> None:
    with pytest.raises(SettingsError, match="did you mean SOUNDPOST_AGGREGATOR_BROKER_HOST"):
        load(None, {"SOUNDPOST_AGGREGATOR_BROKER_HOTS": "x"}, {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        load(tmp_path / "nowhere.toml", {}, {})


def test_the_database_lies_in_the_data_folder_unless_told_otherwise(tmp_path: Path) -> None:
    chosen = Settings(store=settings.Store(folder=str(tmp_path)))
    assert chosen.database_url == f"sqlite:///{tmp_path}/soundpost.db"
    assert Settings(store=settings.Store(url="postgresql://x/y")).database_url == "postgresql://x/y"
    assert chosen.client_id == "soundpost-aggregator"


def test_every_key_says_what_it_means() -> None:
    for item in settings.every_key():
        assert item.meaning
        assert item.flag.startswith(f"--{item.section}")
