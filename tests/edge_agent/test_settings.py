"""Settings: file, environment, flags; the later wins, the unknown is refused."""

import argparse
from pathlib import Path

import pytest

from edge_agent.errors import SettingsError
from edge_agent.settings import add_flags, every_setting, flag, load_settings, variable


def parse(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return vars(parser.parse_args(arguments))


def config(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text)
    return path


def test_the_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = config(tmp_path, '[broker]\nhost = "a"\nport = 1\n[node]\nname = "n"\nsite = "s"')
    environment = {"SOUNDPOST_BROKER_HOST": "b", "SOUNDPOST_BROKER_PORT": "2"}
    settings = load_settings(file, environment, parse("--broker-port", "3"))
    assert (settings.broker.host, settings.broker.port, settings.node.site) == ("b", 3, "s")


def test_every_setting_has_a_flag_and_a_variable() -> None:
    flags = parse()
    for section, key, *_ in every_setting():
        assert f"{section}.{key}" in flags
        assert flag(section, key).startswith(f"--{section}-")
        assert variable(section, key).startswith("SOUNDPOST_")


def test_values_of_each_kind_are_read_from_text() -> None:
    environment = {
        "SOUNDPOST_NODE_TAGS": "roof, north",
        "SOUNDPOST_INPUT_LOOP": "yes",
        "SOUNDPOST_DETECTOR_THRESHOLDS": "dog=0.5, rain=1",
        "SOUNDPOST_OUTBOX_LIMIT_BYTES": "1_000_000",
        "SOUNDPOST_DETECTOR_SMOOTHING_S": "0.25",
        "SOUNDPOST_MODEL_BUNDLE": "m.bundle",
    }
    settings = load_settings(None, environment, {})
    assert settings.node.tags == ("roof", "north")
    assert settings.input.loop is True
    assert settings.detector.thresholds == {"dog": 0.5, "rain": 1.0}
    assert settings.outbox.limit_bytes == 1_000_000
    assert settings.detector.smoothing_s == 0.25
    assert settings.model.bundle == Path("m.bundle")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[brokr]\nhost = 'x'", "did you mean 'broker'"),
        ("[broker]\nhots = 'x'", "did you mean 'host'"),
        ("broker = 3", "write [broker]"),
        ("[broker]\nport = 'x'", "[broker] port: expected a whole number"),
        ("[broker]\nport = 70000", "must be from 1 to 65535"),
        ("[publish]\npolicy = 'some'", "must be one of results"),
        ("[input]\nsource = 'files'", "path: needed"),
        ("[input]\nusb_id = '12'", "usb_id"),
        ("[node]\nname = 'My Node'", "[node] name"),
        ("[detector]\nsmoothing_s = nan", "smoothing_s"),
        ("x", "not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(config(tmp_path, text), {}, {})
    assert says in str(caught.value)


def test_an_unknown_variable_of_ours_is_refused_and_others_are_not() -> None:
    load_settings(None, {"SOUNDPOST_DATA": "x", "PATH": "y"}, {})
    with pytest.raises(SettingsError, match="did you mean 'SOUNDPOST_BROKER_HOST'"):
        load_settings(None, {"SOUNDPOST_BROKER_HOTS": "x"}, {})


def test_text_that_is_no_value_names_where_it_stood() -> None:
    with pytest.raises(SettingsError, match="SOUNDPOST_BROKER_PORT"):
        load_settings(None, {"SOUNDPOST_BROKER_PORT": "many"}, {})
    with pytest.raises(SettingsError, match="--input-loop"):
        load_settings(None, {}, parse("--input-loop", "perhaps"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load_settings(tmp_path / "none.toml", {}, {})


def test_the_name_defaults_to_the_host_and_a_password_in_an_address_is_not_shown() -> None:
    settings = load_settings(
        None, {"SOUNDPOST_INPUT_SOURCE": "stream", "SOUNDPOST_INPUT_URL": "rtsp://u:secret@cam/1"}, {}
    )
    assert settings.node.name
    assert settings.input.description == "stream: cam/1"
