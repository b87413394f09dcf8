"""``aggregator ota rollout``, ``rollback``, ``pin`` and ``audit`` as somebody at a terminal uses them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aggregator import bootstrap
from aggregator.__main__ import main
from aggregator.commands import ota_watch
from aggregator.domain.rollouts.plan import Targets
from aggregator.services.pins import PinService
from aggregator.services.rollouts import RolloutService
from aggregator.settings import Settings, Store
from tests.aggregator.rolling import NEW, NEWER, Rolling

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def rolling(tmp_path: Path) -> Rolling:
    made = Rolling(bootstrap.database(Settings(store=Store(folder=str(tmp_path))), migrate=True))
    made.nodes("attic", "barn", "cave")
    return made


@pytest.fixture
def run(
    rolling: Rolling, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs a command over the same store; status, what it said, and what it complained."""
    monkeypatch.setattr(
        bootstrap, "rollouts", lambda _, opened: RolloutService(opened, rolling.shelf, now=rolling._now)
    )
    monkeypatch.setattr(
        bootstrap, "pins", lambda _, opened: PinService(opened, rolling.shelf, now=rolling._now)
    )

    def command(*words: str) -> tuple[int, str, str]:
        status = main(["ota", *words, "--store-folder", str(tmp_path)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


def test_a_rollout_from_its_preview_to_its_end(run: Run, rolling: Rolling) -> None:
    waves = ("--wave", "canary=1", "--wave", "all=100%")
    status, said, _ = run("rollout", "create", NEW[:8], *waves, "--preview")
    assert (status, "canary=1: 1 node (" in said, "nothing was begun" in said) == (0, True, True)
    status, said, _ = run("rollout", "create", NEW[:8], *waves, "--by", "ada", "--name", "spring")
    assert (status, said.splitlines()[0]) == (0, "rollout 1: sounds@2.a, running")
    rolling.tick()
    (canary,) = rolling.told()
    rolling.say(canary, "rolled_back", reason="deaf")
    rolling.tick()
    status, said, _ = run("rollout", "show", "1", "--state", "failed")
    assert status == 3
    assert "paused (wave canary: 1 of 1 nodes failed, at most 5 % may)" in said
    assert "failed     rolled_back: deaf" in said
    assert run("rollout", "retry", "1")[0] == 0
    rolling.tick()
    rolling.say(canary, "confirmed")
    rolling.tick()
    assert "1 succeeded" in run("rollout", "show", "1")[1]
    status, said, _ = run("rollout", "list")
    assert "2/2 all" in said
    assert run("rollout", "halt", "1", "--reason", "enough")[0] == 0
    assert run("rollout", "show", "1")[0] == 3
    status, _, complaint = run("rollout", "resume", "1")
    assert (status, complaint) == (3, "aggregator: rollout 1 is halted: only a paused one can be resumed\n")


def test_a_preview_names_who_would_not_be_told_yet_and_why(run: Run, rolling: Rolling) -> None:
    rolling.nodes("dusk", "east", takes_updates=False)
    rolling.nodes("far", frontend_digest="9" * 64)
    rolling.pins.pin("barn", "ada")
    ears = ("--wave", "ears=100%, shadow=1h", "--wave", "all=100%")
    status, said, _ = run("rollout", "create", NEW, *ears, "--preview")
    assert status == 0
    skipped = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    names = {reason: set(names.split(", ")) for names, reason in map(told_of, skipped)}
    assert names == {
        "it takes no updates: [update] root is not set there": {"dusk", "east"},
        "its front end is another one": {"far"},
        "pinned to what it runs": {"barn"},
    }
    waves = json.loads(run("rollout", "create", NEW, *ears, "--preview", "--json")[1])["waves"]
    assert all(len(wave["held_back"]) == 4 for wave in waves)
    rolling.now_s += 7200
    rolling.nodes("cave")
    lines = run("rollout", "create", NEW, "--preview")[1].splitlines()
    assert [line for line in lines if line.startswith("  waiting: 5 nodes") and line.endswith(": silent")]


def told_of(line: str) -> tuple[str, str]:
    """Names and reason of ``skipped: 2 nodes (dusk, east): it takes no updates``."""
    names, reason = line.split(" (", 1)[1].split("): ", 1)
    return names, reason


def test_a_preview_says_which_rollout_holds_a_node(run: Run, rolling: Rolling) -> None:
    rolling.make("all=100%", targets=Targets(nodes=("attic",)))
    status, _, complaint = run("rollout", "create", NEWER, "--preview")
    assert (status, "rollout 1 is running and holds attic" in complaint) == (3, True)
    said = run("rollout", "create", NEWER, "--preview", "--wait-for-others")[1]
    assert "  waiting: 1 node (attic): busy in rollout 1\n" in said


def test_a_preview_of_whole_sites_names_the_node_that_keeps_its_site_out(run: Run, rolling: Rolling) -> None:
    rolling.nodes("deaf", takes_updates=False)
    said = run("rollout", "create", NEW, "--wave", "all=100%", "--whole-sites", "--preview")[1]
    assert "3 nodes (" in said
    assert "its site goes together, and of deaf: it takes no updates" in said


@pytest.mark.parametrize(("zone", "told"), [("America/Denver", 3), ("UTC", 0)])
def test_a_rollout_goes_by_the_clock_of_its_time_zone(
    run: Run, rolling: Rolling, zone: str, told: int
) -> None:
    """It is 8 o'clock in London, and 1 o'clock at night in Denver, wherever the aggregator is."""
    night = ("--wave", "all=100%, hours=22:00-05:00", "--time-zone", zone)
    status, said, _ = run("rollout", "create", NEW, *night)
    assert (status, f"  hours are those of {zone}" in said.splitlines()) == (0, True)
    rolling.tick()
    assert len(rolling.told()) == told


def test_a_time_zone_that_there_is_not_is_refused(run: Run) -> None:
    status, _, complaint = run("rollout", "create", NEW, "--time-zone", "Nowhere")
    assert (status, complaint) == (3, "aggregator: 'Nowhere' is no time zone such as Europe/Berlin\n")


def test_json_is_for_programs(run: Run, rolling: Rolling) -> None:
    told = json.loads(run("rollout", "create", NEW, "--wave", "all=100%", "--json")[1])
    assert told["rollout"]["state"] == "running"
    rolling.tick()
    shown = json.loads(run("rollout", "show", "1", "--json")[1])
    assert {one["state"] for one in shown["nodes"]} == {"assigned"}
    assert json.loads(run("rollout", "list", "--json")[1])["rollouts"][0]["id"] == 1
    pinned = json.loads(run("pin", "attic", "--reason", "under test", "--json")[1])
    assert pinned["pins"][0]["node"] == "attic"
    assert json.loads(run("unpin", "attic", "--json")[1]) == {"node": "attic", "pinned": False}
    assert json.loads(run("rollback", "1", "--json")[1]) == {"rollouts": []}
    log: dict[str, Any] = json.loads(run("audit", "--json")[1])
    assert [one["action"] for one in log["entries"]] == [
        "rollout.rollback", "unpin", "pin", "rollout.create",
    ]  # fmt: skip
    assert json.loads(run("audit", "--verify", "--json")[1])["intact"]


def test_watching_ends_when_somebody_is_needed(run: Run, rolling: Rolling) -> None:
    assert run("rollout", "create", NEW, "--paused", "--watch", "--json")[0] == 3
    run("rollout", "resume", "1")
    rolling.tick()
    rolling.say(rolling.told()[0], "confirmed")
    rolling.tick()
    for name in rolling.told():
        rolling.say(name, "confirmed")
    rolling.tick()
    status, said, shown = run("rollout", "show", "1", "--watch")
    assert (status, "finished" in said) == (0, True)
    assert "1. canary" in shown


@pytest.mark.parametrize("somebody", [True, False])
def test_a_new_rollout_says_when_nobody_moves_it_on(
    run: Run, monkeypatch: pytest.MonkeyPatch, somebody: bool
) -> None:
    monkeypatch.setattr(bootstrap, "rollouts_move", lambda _: somebody)
    status, said, complaint = run("rollout", "create", NEW)
    assert (status, "rollout 1: sounds@2.a, running" in said) == (0, True)
    assert complaint == ("" if somebody else f"aggregator: {ota_watch.NOBODY}\n")


@pytest.mark.parametrize("quiet", [(), ("--json",)])
def test_watching_says_when_nobody_moves_rollouts_on(
    run: Run, rolling: Rolling, monkeypatch: pytest.MonkeyPatch, quiet: tuple[str, ...]
) -> None:
    """The third look finds somebody, the fifth finds the rollout paused."""
    number = rolling.make()
    looks = 0

    def move(_: Settings) -> bool:
        nonlocal looks
        looks += 1
        if looks == 5:
            rolling.rollouts.pause(number, "ada")
        return looks >= 3

    monkeypatch.setattr(bootstrap, "rollouts_move", move)
    monkeypatch.setattr(ota_watch, "POLL_S", 0.0)
    status, _, complaint = run("rollout", "show", str(number), "--watch", *quiet)
    assert status == 3
    said = [line for line in complaint.splitlines() if line.startswith("aggregator: ")]
    assert said == [f"aggregator: {ota_watch.NOBODY}", f"aggregator: {ota_watch.SOMEBODY}"]


def test_a_log_that_was_changed_is_found_by_the_command(run: Run, rolling: Rolling) -> None:
    from sqlalchemy import text

    run("pin", "attic")
    status, said, _ = run("audit", "--verify")
    assert (status, said.startswith("1 entries, and each follows")) == (0, True)
    head = said.splitlines()[-1].removeprefix("head: ")
    assert run("audit", "--head", head)[0] == 0
    with rolling.database.write() as connection:
        connection.execute(text("UPDATE audit SET details = '{}'"))
    status, said, _ = run("audit", "--verify")
    assert (status, said.splitlines()[0]) == (
        3, "entry 1 is not what was written, or what came before it is gone",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("rollout", "show", "9"), 1),
        (("rollout", "create", "nothing@1"), 3),
        (("rollout", "create", NEW, "--wave", "nonsense"), 3),
        (("pin", "nobody"), 1),
        (("unpin", "attic"), 3),
        (("rollback", "9"), 1),
    ],
)
def test_what_goes_wrong_has_its_status_and_a_sentence(run: Run, words: tuple[str, ...], status: int) -> None:
    found, said, complaint = run(*words)
    assert (found, said) == (status, "")
    assert complaint.startswith("aggregator: ")
