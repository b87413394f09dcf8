"""A whole fleet is rolled out to: canary, a tenth, all; with failures, and reports lost, doubled and late.

    python -m benchmarks.rollout --nodes 2000 [--failing 0.03] [--json]

The broker, ingest, and the dashboard with the rules behind it are the real programs, each in a process of its
own; the bundle is really published. The nodes share this process and a few connections; they say what real
nodes would say, but run no model and download nothing. Meanwhile a reader looks at pages again and again.
Times belong to the machine and to how long a simulated phase lasts; bytes do not. So the reader looks three
times: at rest, during the rollout, and then while the nodes say just as much in just as long a time of no
rollout at all. What pages take longer during the rollout than then, the rollout costs them.
"""

import argparse
import http.cookiejar
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aggregator import bootstrap
from aggregator.domain.rollouts.words import read_wave
from aggregator.services.rollout_views import RolloutView
from aggregator.services.rollout_wish import Wish
from aggregator.settings import Settings, as_environment, load
from tests.aggregator.updating_fleet import Fate, UpdatingFleet
from tests.broker import Mosquitto, free_port

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "models" / "keywords.bundle"
PASSWORD = "correct horse battery"
WAVES = ("canary=20, errors=15%, success=80%", "early=10%, errors=10%", "all=100%, errors=10%")
REST_S = 20.0
"""With a rollout that is paused, and a reader: what everything costs without an update."""
PAGES = ("/rollouts", "/rollouts/1", "/detections")


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=2000)
    parser.add_argument("--failing", type=float, default=0.03, help="share of nodes whose model fails")
    parser.add_argument("--wave", action="append", default=[], help=f"default: {'; '.join(WAVES)}")
    parser.add_argument("--timeout-s", type=float, default=900.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    told = run(arguments)
    print(json.dumps(told, indent=1) if arguments.json else table(told))


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that was measured."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(folder)
        broker.start()
        settings = load(None, {}, {"broker.port": str(broker.port), "store.folder": str(folder / "data"),
                                   "web.port": str(free_port())})  # fmt: skip
        database = bootstrap.database(settings, migrate=True)
        services = bootstrap.services(settings, database)
        services.accounts.set(PASSWORD)
        _publish(folder, settings)
        release = services.ota_repository.published()[0]
        names = [f"node-{number:05d}" for number in range(arguments.nodes)]
        fate = Fate(failing=arguments.failing, lost=0.05, twice=0.05, late=0.05)
        fleet = UpdatingFleet(
            broker.port, names, fate=fate, frontend_digest=release.frontend_digest,
            model=f"{release.model.split('@')[0]}@0.1.0",
        )  # fmt: skip
        try:
            with _program("ingest", settings) as ingest, _program("web", settings) as web:
                _wait(lambda: _answers(settings), "the dashboard answers")
                with fleet:
                    _wait(lambda: len(services.fleet.nodes()) == arguments.nodes, "all nodes have come", 300)
                    return _roll(arguments, fleet, services, settings, release,
                                 {"ingest": ingest, "web": web, "broker": broker.pid})  # fmt: skip
        finally:
            broker.stop()
            database.close()


def _roll(
    arguments: argparse.Namespace, fleet: UpdatingFleet, services: Any, settings: Settings, release: Any,
    processes: dict[str, int],
) -> dict[str, Any]:  # fmt: skip
    # Real nodes do not compute on the aggregator's machine: what stands for them comes last.
    os.nice(10)
    waves = tuple(read_wave(words) for words in arguments.wave or WAVES)
    wish = Wish(release=release.digest, waves=waves, seed="benchmark", probation_s=5.0, paused=True)
    number = services.rollouts.create(wish, "benchmark").id
    before = {name: _cpu_s(pid) for name, pid in processes.items()}
    with Reader(settings) as reader:
        time.sleep(REST_S)
    at_rest = reader.told()
    resting = {name: (_cpu_s(pid) - before[name]) / REST_S for name, pid in processes.items()}
    bytes_before = _bytes(fleet)
    before = {name: _cpu_s(pid) for name, pid in processes.items()}
    began = time.monotonic()
    services.rollouts.resume(number, "benchmark")
    with Reader(settings) as reader:
        deadline = began + arguments.timeout_s
        while not (view := services.rollouts.get(number)).settled and view.state != "paused":
            if time.monotonic() > deadline:
                raise SystemExit(f"not finished in time: {view}")
            time.sleep(0.2)
        seconds = time.monotonic() - began
    used = {name: _cpu_s(pid) - before[name] for name, pid in processes.items()}
    _wait(lambda: fleet.settled, "every report is acknowledged", 300)
    sent, reports = _bytes(fleet), {"lost": fleet.lost, "twice": fleet.twice, "late": fleet.late}
    without = _without(fleet, services, settings, number, seconds, processes)
    bytes_ = {key: value - bytes_before[key] for key, value in sent.items()}
    heartbeats = _heartbeat_bytes(seconds, arguments.nodes)
    return {
        "nodes": arguments.nodes,
        "state": view.state,
        "reason": view.reason,
        "seconds": round(seconds, 1),
        "waves": [_wave(view, position) for position in range(len(view.waves))],
        "run_it": fleet.running.get(release.digest, 0),
        "reports": reports,
        "cpu_s": {name: round(value, 1) for name, value in used.items()},
        "cpu_share_at_rest": {name: round(value, 3) for name, value in resting.items()},
        "cpu_ms_per_node": {
            name: round(1000 * max(0.0, used[name] - resting[name] * seconds) / arguments.nodes, 2)
            for name in used
        },
        "mqtt_bytes_per_node": {
            "sent": round((bytes_["sent"] - heartbeats) / arguments.nodes),
            "received": round(bytes_["received"] / arguments.nodes),
            "bundle_over_http": release.size_bytes,
        },
        "pages_ms": reader.told(),
        "pages_at_rest_ms": at_rest,
        "without_a_rollout": without,
        "audit_intact": services.audit.verify().intact,
    }


def _without(
    fleet: UpdatingFleet, services: Any, settings: Settings, number: int, seconds: float,
    processes: dict[str, int],
) -> dict[str, Any]:  # fmt: skip
    """The same messages in the same time, when no rollout waits for them."""
    services.rollouts.cancel(number, "benchmark")
    before = {name: _cpu_s(pid) for name, pid in processes.items()}
    fleet.chatter(seconds)
    with Reader(settings) as reader:
        time.sleep(seconds)
    used = {name: round(_cpu_s(pid) - before[name], 1) for name, pid in processes.items()}
    _wait(lambda: fleet.settled, "every word is acknowledged", 300)
    return {"cpu_s": used, "pages_ms": reader.told()}


class Reader:
    """Somebody who looks at the dashboard again and again."""

    def __init__(self, settings: Settings) -> None:
        self._base = f"http://127.0.0.1:{settings.web.port}"
        self._took: dict[str, list[float]] = {page: [] for page in PAGES}
        self._stop = threading.Event()
        self._open = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        ).open
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Reader":
        page = self._open(f"{self._base}/sign-in", timeout=30).read().decode()
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token is not None
        form = urllib.parse.urlencode({"csrf_token": token[1], "password": PASSWORD}).encode()
        self._open(f"{self._base}/sign-in", form, timeout=60).read()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        self._thread.join(60)

    def told(self) -> dict[str, Any]:
        """How long pages took."""
        return {
            page: {"p50": round(took[len(took) // 2]), "p95": round(took[int(len(took) * 0.95)]),
                   "most": round(took[-1]), "times": len(took)}
            for page, took in ((page, sorted(took)) for page, took in self._took.items())
            if took
        }  # fmt: skip

    def _look(self) -> None:
        while not self._stop.is_set():
            for page in PAGES:
                began = time.monotonic()
                with self._open(self._base + page, timeout=60) as answer:
                    answer.read()
                self._took[page].append((time.monotonic() - began) * 1000)
                self._stop.wait(0.15)


def table(told: dict[str, Any]) -> str:
    """For people."""
    lines = [
        f"{told['nodes']} nodes, {told['state']} after {told['seconds']} s {told['reason']}".rstrip(),
        f"{told['run_it']} nodes run the release; of the reports {told['reports']['lost']} were lost, "
        f"{told['reports']['twice']} doubled, {told['reports']['late']} late",
        "",
        f"{'wave':12} {'nodes':>6} {'succeeded':>10} {'failed':>7} {'seconds':>8}",
    ]
    for wave in told["waves"]:
        took = "–" if wave["seconds"] is None else wave["seconds"]
        lines.append(
            f"{wave['name']:12} {wave['nodes']:>6} {wave['succeeded']:>10} {wave['failed']:>7} {took:>8}"
        )
    lines += ["", f"{'process':12} {'CPU s':>8} {'at rest':>8} {'ms/node':>8} {'of no rollout':>14}"]
    for name, used in told["cpu_s"].items():
        rest, each = told["cpu_share_at_rest"][name], told["cpu_ms_per_node"][name]
        without = told["without_a_rollout"]["cpu_s"][name]
        lines.append(f"{name:12} {used:>8} {rest:>8.1%} {each:>8} {without:>14}")
    rows = (
        ("at rest", told["pages_at_rest_ms"]),
        ("during the rollout", told["pages_ms"]),
        ("as much said of no rollout", told["without_a_rollout"]["pages_ms"]),
    )
    lines += ["", f"{'page':12} {'':28} {'p50 ms':>8} {'p95 ms':>8} {'most':>8}"]
    lines += [
        f"{page:12} {when:28} {took['p50']:>8} {took['p95']:>8} {took['most']:>8}"
        for page in PAGES
        for when, pages in rows
        for took in (pages[page],)
    ]
    per_node = told["mqtt_bytes_per_node"]
    lines += [
        "",
        f"a node sends {per_node['sent']} bytes for it and receives {per_node['received']} over MQTT;",
        f"the bundle ({per_node['bundle_over_http']} bytes) comes over HTTP, and not here",
    ]
    return "\n".join(lines)


def _wave(view: RolloutView, position: int) -> dict[str, Any]:
    wave = view.waves[position]
    took = None if wave.began_s is None or wave.ended_s is None else round(wave.ended_s - wave.began_s, 1)
    return {"name": wave.name, "nodes": wave.nodes, "seconds": took, **wave.counts}


def _publish(folder: Path, settings: Settings) -> None:
    secret = folder / "passphrase"
    secret.write_text("a passphrase for a benchmark\n")
    secret.chmod(0o600)
    for words in (("keys", "init"), ("publish", str(BUNDLE))):
        subprocess.run(
            [sys.executable, "-m", "aggregator", "ota", *words, "--keys", str(folder / "keys"),
             "--passphrase-file", str(secret)],
            check=True, env=_environment(settings), stdout=subprocess.DEVNULL,
        )  # fmt: skip


@contextmanager
def _program(name: str, settings: Settings) -> Iterator[int]:
    command = [sys.executable, "-m", "aggregator", name, "--log-level=warning"]
    with subprocess.Popen(command, env=_environment(settings), stdin=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, **as_environment(settings), "PYTHONPATH": str(ROOT)}


def _answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.web.port}/healthz", timeout=5):
            return True
    except OSError:
        return False


def _bytes(fleet: UpdatingFleet) -> dict[str, int]:
    nodes = fleet.nodes.values()
    return {
        "sent": sum(one.sent_bytes for one in nodes),
        "received": sum(one.received_bytes for one in nodes),
    }


def _heartbeat_bytes(seconds: float, nodes: int) -> float:
    """What they would have sent anyway."""
    from contract import topics, wire
    from tests.aggregator.messages import heartbeat

    return len(wire.encode(topics.HEARTBEAT, heartbeat())) * nodes * seconds / Fate().heartbeat_s


def _cpu_s(pid: int) -> float:
    """Of a process and its children, as far as they live."""
    total = 0.0
    for process in (pid, *_children(pid)):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _children(pid: int) -> list[int]:
    return [
        int(one) for path in Path(f"/proc/{pid}/task").glob("*/children") for one in path.read_text().split()
    ]


def _wait(true: Any, what: str, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited in vain: {what}")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
