"""What a node was told when it joined: it finds its way into the settings, and into the names of its runs."""

import json
from pathlib import Path

import pytest

from edge_agent.agent.boot_id import new_boot
from edge_agent.errors import SettingsError, TalkError
from edge_agent.outbox import in_use, sole
from edge_agent.settings import load_settings
from edge_agent.settings.enrolled import Enrolled, folder_in
from edge_agent.talk import Wish
from edge_agent.talk.command import talk

RECORD = Enrolled(
    url="https://hub:8080", node="attic", generation=2, site="north wing", tags=("roof",), broker_host="hub",
    broker_port=8883, namespace="soundpost", serial="0" * 40, not_before_s=1000.0, not_after_s=1900.0,
    confirmed=True, trust_system=False,
)  # fmt: skip


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = folder_in(tmp_path / "state")
    folder.mkdir(parents=True)
    (folder / "enrolment.json").write_text(json.dumps(RECORD.to_plain()))
    return tmp_path / "state"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(text)
    return path


def test_an_enrolled_node_signs_in_with_its_certificate(state: Path) -> None:
    settings = load_settings(None, {}, {"node.state": str(state)})
    assert settings.enrolled == RECORD
    assert (settings.node.name, settings.node.site, settings.node.tags) == ("attic", "north wing", ("roof",))
    broker = settings.broker
    assert (broker.host, broker.port, broker.username, broker.password_file) == ("hub", 8883, "", None)
    assert broker.ca_file == state / "enrolment" / "authority.crt"
    assert (broker.cert_file, broker.key_file) == (state / "enrolment" / "node.pem", None)
    assert settings.update.ca_file == broker.ca_file
    assert settings.update.root is None


def test_it_believes_the_fleets_root_and_the_systems_authorities_if_it_was_told_to(state: Path) -> None:
    (state / "enrolment" / "root.json").write_text("{}")
    plain = {**RECORD.to_plain(), "trust_system": True}
    (state / "enrolment" / "enrolment.json").write_text(json.dumps(plain))
    update = load_settings(None, {}, {"node.state": str(state)}).update
    assert update.root == state / "enrolment" / "root.json"
    assert update.ca_file is None


def test_it_stands_above_the_file_and_below_environment_and_flags(state: Path, tmp_path: Path) -> None:
    file = written(
        tmp_path,
        f'[node]\nname = "old"\nsite = "cellar"\nstate = "{state}"\n'
        '[broker]\nhost = "old"\nusername = "old"\npassword_file = "old"\n[update]\nca_file = "own.crt"',
    )
    settings = load_settings(file, {"SOUNDPOST_BROKER_PORT": "1"}, {"broker.host": "flag"})
    assert (settings.node.name, settings.node.site) == ("attic", "cellar")
    assert (settings.broker.host, settings.broker.port, settings.broker.username) == ("flag", 1, "")
    assert settings.update.ca_file == Path("own.crt")


def test_a_node_that_has_not_joined_is_as_ever(tmp_path: Path) -> None:
    settings = load_settings(None, {}, {"node.state": str(tmp_path)})
    assert settings.enrolled is None
    assert (settings.broker.host, settings.broker.port) == ("127.0.0.1", 1883)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema": 2}', "\x00"])
def test_a_damaged_record_is_one_sentence(state: Path, content: str) -> None:
    (state / "enrolment" / "enrolment.json").write_text(content)
    with pytest.raises(SettingsError, match="enrol the node anew"):
        load_settings(None, {}, {"node.state": str(state)})


@pytest.mark.parametrize(
    ("now_s", "due"), [(0.0, False), (1000.0, False), (1599.0, False), (1600.0, True), (2000.0, True)]
)
def test_a_certificate_is_due_in_its_last_third_and_not_by_a_wrong_clock(now_s: float, due: bool) -> None:
    assert RECORD.is_due(now_s) == due


def test_the_boots_of_two_generations_never_meet() -> None:
    first, second = (
        {new_boot(Enrolled.from_plain({**RECORD.to_plain(), "generation": generation})) for _ in range(200)}
        for generation in (1, 2)
    )
    assert {boot[:4] for boot in first} == {"0001"}
    assert {boot[:4] for boot in second} == {"0002"}
    assert len(first) == len(second) == 200
    assert {len(boot) for boot in first | second | {new_boot(None)}} == {16}


def test_it_does_not_talk_beside_its_agent(state: Path) -> None:
    settings = load_settings(None, {}, {"node.state": str(state)})
    wish = Wish(to="hall", recording=None, codec="best", packet_ms=20, as_json=False)
    assert not in_use(settings.outbox_path)
    with sole(settings.outbox_path):
        assert in_use(settings.outbox_path)
        with pytest.raises(TalkError, match="one connection, and the agent has it"):
            talk(settings, wish)
    assert not in_use(settings.outbox_path)
