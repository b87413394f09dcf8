"""The whole way with a real server and real child processes, killed where it hurts."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contract.topics import DESIRED
from contract.updates import Desired, Fetch, Piece
from contract.wire import encode
from edge_agent.errors import SettingsError
from edge_agent.update import Ready, Refused, Waiting, make_installer, make_store
from edge_agent.update.store import ModelStore
from tests.edge_agent.update.installing import install, settings
from tests.edge_agent.update.models import hanging
from tests.edge_agent.update.serving import Habits, serve
from tests.edge_agent.update.signing import Repository
from tests.edge_agent.update.world import GO_ON, Lenient, Shelf, Told, desired, installer
from tests.waiting import wait_until

NAME = "m-1.bundle"


class Hub:
    """A repository behind a real server, as the aggregator has it."""

    def __init__(self, repository: Repository, habits: Habits) -> None:
        self.repository, self.habits, self.base = repository, habits, ""

    def publish(self, content: bytes, name: str = NAME, **custom: object) -> str:
        digest = self.repository.add(content, name, **custom)
        for path, file in self.repository.files.items():
            self.habits.files[f"/{path}" if path.startswith("metadata") else f"/nodes/roof/{path}"] = file
        return digest


@pytest.fixture
def hub(repository: Repository) -> Iterator[Hub]:
    one = Hub(repository, Habits({}))
    with serve(one.habits) as address:
        one.base = address
        yield one


@pytest.fixture
def node(tmp_path: Path, keywords: Path, repository: Repository) -> Path:
    """A node's state folder, with what came with the agent."""
    folder = tmp_path / "node"
    folder.mkdir()
    (folder / "shipped.bundle").write_bytes(keywords.read_bytes())
    (folder / "first-root.json").write_bytes(repository.first_root)
    return folder


def test_the_whole_way(hub: Hub, node: Path, newer: bytes) -> None:
    digest = hub.publish(newer, model="keywords@9.0.0")
    told = Told()
    store, outcome = install(node, hub.base, digest, NAME, told)
    assert isinstance(outcome, Ready), outcome
    assert outcome.custom == {"model": "keywords@9.0.0"}
    assert told.phases == ["offered", "downloading", "verified", "staged", "self_tested"]
    assert store.boot().slot == "shipped"
    store.begin_probation(digest, 1, 7)
    choice = make_store(settings(node)).boot()
    assert (choice.digest, choice.on_probation, choice.attempt, choice.rollout) == (digest, True, 1, 7)
    store.confirm(digest)
    choice = make_store(settings(node)).boot()
    assert (choice.digest, choice.on_probation, choice.rolled_back) == (digest, False, None)


def test_the_second_time_nothing_is_downloaded_or_tried_again(hub: Hub, node: Path, newer: bytes) -> None:
    digest = hub.publish(newer)
    install(node, hub.base, digest, NAME, Told())
    hub.habits.requests.clear()
    told = Told()
    _, outcome = install(node, hub.base, digest, NAME, told)
    assert isinstance(outcome, Ready)
    assert told.phases == []
    # The roots' end and the timestamp: all that a look at unchanged metadata asks for.
    assert [path for path, _ in hub.habits.requests] == ["/metadata/2.root.json", "/metadata/timestamp.json"]


def start(node: Path, hub: Hub, digest: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.edge_agent.update.installing", str(node), hub.base, digest, NAME]
    return subprocess.Popen(command)


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task")
    return [int(child) for task in path.iterdir() for child in (task / "children").read_text().split()]


def test_kill_9_while_downloading(hub: Hub, node: Path, newer: bytes) -> None:
    digest = hub.publish(newer)
    target = f"/nodes/roof/targets/{digest}.{NAME}"
    part = node / "models" / "part" / f"{digest[:16]}.part"
    content = hub.habits.files[target]
    hub.habits.hold_only = target
    hub.habits.holds_after_bytes = len(content) // 2
    process = start(node, hub, digest)
    wait_until(lambda: part.exists() and part.stat().st_size > 100_000, "half has come")
    process.kill()
    process.wait()
    assert make_store(settings(node)).boot().slot == "shipped"
    hub.habits.holds_after_bytes = None
    hub.habits.release.set()
    hub.habits.requests.clear()
    _, outcome = install(node, hub.base, digest, NAME, Told())
    assert isinstance(outcome, Ready), outcome
    (asked,) = [headers for path, headers in hub.habits.requests if path == target]
    assert int(asked["Range"].removeprefix("bytes=").rstrip("-")) > 100_000


def test_kill_9_while_the_child_looks_at_metadata(hub: Hub, node: Path, newer: bytes) -> None:
    digest = hub.publish(newer)
    hub.habits.hold_only = "/metadata/timestamp.json"
    hub.habits.holds_after_bytes = 10
    process = start(node, hub, digest)
    wait_until(lambda: any(p.endswith("timestamp.json") for p, _ in hub.habits.requests), "it asks")
    assert_all_die(process)
    hub.habits.holds_after_bytes = None
    hub.habits.release.set()
    _, outcome = install(node, hub.base, digest, NAME, Told())
    assert isinstance(outcome, Ready), outcome


def test_kill_9_while_the_child_tries_the_bundle(
    hub: Hub, node: Path, keywords: Path, tmp_path: Path
) -> None:
    """The child, which hangs for good, goes with its parent."""
    digest = hub.publish(hanging(keywords, tmp_path / "x").read_bytes())
    process = start(node, hub, digest)
    wait_until((node / "models" / "slots" / "a.bundle").exists, "it is staged")
    wait_until(lambda: len(children(process.pid)) == 1, "a child tries it")
    assert_all_die(process)
    store = make_store(settings(node))
    assert store.boot().slot == "shipped"
    chosen = settings(node, selftest_s=5)
    told = Told()
    outcome = make_installer(chosen, store, "0.1.0", told).step(
        desired(digest, NAME, url=hub.base, token="x"), GO_ON
    )
    assert isinstance(outcome, Refused)
    assert "did not end within 5 s" in outcome.reason
    assert told[-1][0] == "refused"


def assert_all_die(process: "subprocess.Popen[bytes]") -> None:
    pids = children(process.pid)
    assert pids
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(_runs(pid) for pid in pids), "the children have gone, too")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def test_a_stop_in_the_middle_is_no_failure(
    tmp_path: Path, repository: Repository, store: ModelStore
) -> None:
    digest = repository.add(bytes(10_000), NAME)
    stop, told = threading.Event(), Told()

    class Stopping(Shelf):
        def _chunks(self, content: bytes, offset: int) -> Iterator[bytes]:
            yield content[offset : offset + 4_000]
            stop.set()
            yield content[offset + 4_000 :]

    source = Stopping(repository.files)
    one = installer(tmp_path, repository, store, source=source, tell=told)
    outcome = one.step(desired(digest), stop)
    assert isinstance(outcome, Waiting)
    assert (outcome.seconds, outcome.reason) == (0.0, "interrupted")
    assert (tmp_path / "models" / "part" / f"{digest[:16]}.part").stat().st_size == 4_000
    assert isinstance(one.step(desired(digest), threading.Event()), Ready)


def test_another_bundle_is_wanted_in_the_middle(
    tmp_path: Path, repository: Repository, store: ModelStore
) -> None:
    first, second = repository.add(bytes(9_000), NAME), repository.add(bytes(8_000), "m-2.bundle")
    part = tmp_path / "models" / "part"
    part.mkdir(parents=True)
    (part / f"{first[:16]}.part").write_bytes(bytes(3_000))
    one = installer(tmp_path, repository, store)
    assert isinstance(one.step(desired(second, "m-2.bundle"), GO_ON), Ready)
    assert not list(part.glob("*.part"))


def test_an_attempt_that_was_rolled_back_is_not_begun_again_unless_asked(
    tmp_path: Path, repository: Repository, store: ModelStore
) -> None:
    digest = repository.add(bytes(9_000), NAME)
    test = Lenient()
    one = installer(tmp_path, repository, store, selftest=test)
    assert isinstance(one.step(desired(digest, attempt=3), GO_ON), Ready)
    store.begin_probation(digest, 3)
    store.roll_back(digest, "it went deaf")
    for attempt in (1, 2, 3):
        outcome = one.step(desired(digest, attempt=attempt), GO_ON)
        assert outcome == Refused(reason="it went deaf")
    assert isinstance(one.step(desired(digest, attempt=4), GO_ON), Ready)
    assert test.runs == 2


def test_a_server_that_is_away_is_asked_less_and_less(
    tmp_path: Path, repository: Repository, store: ModelStore
) -> None:
    digest = repository.add(bytes(9_000), NAME)
    one = installer(tmp_path, repository, store, source=Shelf({}))
    waits = [one.step(desired(digest), GO_ON) for _ in range(12)]
    seconds = [wait.seconds for wait in waits if isinstance(wait, Waiting)]
    assert len(seconds) == 12
    assert 5 <= seconds[0] <= 10
    assert 1_800 <= seconds[-1] <= 3_600
    assert store.failed(digest, 1) is None


def test_what_is_desired_counts_only_if_it_is_later(hub: Hub, node: Path) -> None:
    chosen = settings(node)
    one = make_installer(chosen, make_store(chosen), "0.1.0", Told())
    last = desired("0" * 64, url=hub.base, token="x")
    assert one.desired(last, GO_ON) is None
    hub.habits.files["/nodes/roof/desired"] = encode(DESIRED, last)
    assert one.desired(last, GO_ON) is None
    assert one.desired(last, GO_ON) is None
    assert [headers.get("If-None-Match") for _, headers in hub.habits.requests] == [None, None, '"same"']
    hub.habits.tags["/nodes/roof/desired"] = '"other"'
    later = desired("1" * 64, url=hub.base)
    hub.habits.files["/nodes/roof/desired"] = encode(DESIRED, later).replace(b'"serial":1', b'"serial":2')
    found = one.desired(last, GO_ON)
    assert found is not None
    assert found.release == "1" * 64
    assert one.desired(last, GO_ON) == found


def test_an_address_of_the_settings_comes_before_that_of_the_aggregator(hub: Hub, node: Path) -> None:
    chosen = settings(node, url=f"{hub.base}/")
    one = make_installer(chosen, make_store(chosen), "0.1.0", Told())
    later = replace(desired("1" * 64), serial=2)
    hub.habits.files["/ota/v1/nodes/roof/desired"] = encode(DESIRED, later)
    assert one.desired(desired("0" * 64, url="http://127.0.0.1:9/ota/v1", token="x"), GO_ON) == later


def test_where_nobody_names_an_address_the_broker_brings_it(
    node: Path, repository: Repository, newer: bytes
) -> None:
    digest = repository.add(newer, NAME, model="keywords@9.0.0")

    def ask(wanted: Fetch, _timeout_s: float) -> Piece:
        content = repository.files.get(wanted.path)
        piece = (content or b"")[wanted.offset : wanted.offset + wanted.length]
        status = 404 if content is None else 206
        return Piece(id=wanted.id, total=len(content or b""), content=piece, status=status)

    chosen = settings(node)
    outcome = make_installer(chosen, make_store(chosen), "0.1.0", Told(), ask).step(
        desired(digest, NAME), GO_ON
    )
    assert isinstance(outcome, Ready), outcome
    alone = make_installer(chosen, make_store(chosen), "0.1.0", Told())
    assert isinstance(alone.step(desired("2" * 64, NAME), GO_ON), Waiting)


def test_settings_that_do_not_fit_are_named(node: Path) -> None:
    chosen = settings(node, transport="mqtt")
    with pytest.raises(SettingsError, match="mqtt needs a broker"):
        make_installer(chosen, make_store(chosen), "0.1.0", Told())
    with pytest.raises(SettingsError, match="ca_file"):
        make_installer(settings(node, ca_file=node / "gone"), make_store(chosen), "0.1.0", Told())


def test_nothing_desired_is_a_mistake(tmp_path: Path, repository: Repository, store: ModelStore) -> None:
    with pytest.raises(ValueError, match="nothing is desired"):
        installer(tmp_path, repository, store).step(Desired(serial=1, issued_s=0.0), GO_ON)


def test_the_agent_does_not_carry_what_only_the_child_needs() -> None:
    """The Update Framework's megabytes live in the child alone, and the look does without numpy."""
    code = (
        "import sys, edge_agent.update, edge_agent.update.child;"
        "print({'tuf', 'securesystemslib', 'cryptography', 'numpy'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
