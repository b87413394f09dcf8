"""``aggregator demo``: everything at once on one machine, and a report of what arrived."""

import argparse
import json
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aggregator.demo.broker import BROKERS, DemoBroker, start_broker
from aggregator.demo.children import Children, free_port
from aggregator.demo.nodes import agent_command, produced, toml, write_agent_config
from aggregator.demo.report import Outcome, report
from aggregator.demo.source import NodePlan, plan_nodes

DRAIN_S = 30.0
DESCRIPTION = """\
Starts a broker (mosquitto if it is installed, else an embedded one), the aggregator with its dashboard, and
some agents as separate processes that hear sound in real time. Without --seconds it runs until Ctrl-C.
It plays sound that the project synthesised, unless --source or --microphone says otherwise.
"""
EXAMPLES = """\
examples:
  aggregator demo                                      three nodes, until Ctrl-C
  aggregator demo --source recordings/ --nodes 5       five nodes play a folder
  aggregator demo --seconds 60 --headless --report r.json
                                                       a measured minute without a dashboard
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What was asked for."""

    plans: Sequence[NodePlan]
    seconds: float | None
    headless: bool
    report: Path | None
    folder: Path
    port: int
    broker: str


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``demo`` to the aggregator's commands."""
    parser = commands.add_parser(
        "demo",
        help="a whole fleet on this machine",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--nodes", type=_positive, default=3, metavar="N", help="how many (default: 3)")
    parser.add_argument("--seconds", type=float, metavar="S", help="end after this time (default: at Ctrl-C)")
    parser.add_argument("--source", type=Path, metavar="DIR", help="sound file, or folder of them, to play")
    parser.add_argument("--microphone", action="store_true", help="listen to this machine's microphone")
    parser.add_argument(
        "--bundle", type=Path, action="append", default=[], metavar="FILE",
        help="model for the nodes; more than one are dealt out in turn (default: the starter bundles)",
    )  # fmt: skip
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the counts as JSON")
    parser.add_argument("--broker", choices=BROKERS, default="auto", help="auto: mosquitto if installed")
    parser.add_argument("--headless", action="store_true", help="no dashboard")
    parser.add_argument("--port", type=int, default=0, help="of the dashboard (default: 8080 or a free one)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep database and logs in this folder")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration; the exit status says whether everything arrived."""
    plans = plan_nodes(
        arguments.nodes,
        source=arguments.source,
        microphone=arguments.microphone,
        bundles=arguments.bundle,
    )
    with tempfile.TemporaryDirectory(prefix="soundpost-demo-") as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        options = DemoOptions(
            plans=plans,
            seconds=arguments.seconds,
            headless=arguments.headless,
            report=arguments.report,
            folder=folder.resolve(),
            port=arguments.port or free_port(8080),
            broker=arguments.broker,
        )
        outcome = _perform(options)
    result = report(outcome)
    if options.report is not None:
        options.report.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))  # noqa: T201
    return 1 if result["missing"] or result["duplicates"] or result["quarantined"] else 0


def _perform(options: DemoOptions) -> Outcome:
    with Children(options.folder) as children:
        broker = start_broker(children, options.folder, options.broker)
        _say(f"Broker: {broker.name}, port {broker.port}")
        config = _write_aggregator_config(options, broker)
        _start_aggregator(children, options, config)
        agents = [write_agent_config(plan, broker, options.folder) for plan in options.plans]
        began = time.monotonic()
        processes = [_start_agent(children, agent, options) for agent in agents]
        for plan in options.plans:
            heard = plan.source.name if plan.source else "the microphone"
            _say(f"{plan.name} listens to {heard} with {plan.bundle.name}")
        told_to_end = _wait(children, options.seconds)
        seconds = time.monotonic() - began
        _say("Waiting until everything has been delivered ...")
        if told_to_end:
            for process in processes:
                process.terminate()
        _await_delivery(processes)
        return _outcome(options, config, broker, agents, seconds)


def _write_aggregator_config(options: DemoOptions, broker: DemoBroker) -> Path:
    path = options.folder / "aggregator.toml"
    path.write_text(
        toml(
            {
                "broker": {"host": "127.0.0.1", "port": broker.port, "protocol": broker.protocol},
                "store": {"folder": str(options.folder / "store")},
                "web": {"port": options.port},
            }
        )
    )
    return path


def _start_aggregator(children: Children, options: DemoOptions, config: Path) -> None:
    program = [sys.executable, "-m", "aggregator"]
    if options.headless:
        children.start_and_wait("aggregator", [*program, "ingest", "--config", str(config)])
        return
    password = secrets.token_urlsafe(9)
    subprocess.run(
        [*program, "password", "--config", str(config)],
        input=password.encode(), check=True, capture_output=True,
    )  # fmt: skip
    children.start_and_wait("aggregator", [*program, "serve", "--config", str(config)])
    children.wait_for_port(options.port)
    _say(f"\n  Dashboard:  http://127.0.0.1:{options.port}/\n  Name:       admin\n  Password:   {password}\n")


def _start_agent(children: Children, config: Path, options: DemoOptions) -> "subprocess.Popen[bytes]":
    limit = [] if options.seconds is None else ["--seconds", str(options.seconds)]
    return children.start(config.stem, agent_command(config, "run", *limit))


def _wait(children: Children, seconds: float | None) -> bool:
    """Until the time is over or a signal comes; whether it was a signal."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    if seconds is None:
        _say("Ctrl-C ends it.")
    deadline = time.monotonic() + seconds if seconds is not None else None
    while not ended.wait(0.5) and (deadline is None or time.monotonic() < deadline):
        children.check()
    return ended.is_set()


def _await_delivery(processes: "Sequence[subprocess.Popen[bytes]]") -> None:
    """Until every agent has delivered what it has, and ended."""
    deadline = time.monotonic() + DRAIN_S
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _say("A node could not deliver everything in time; the report counts it as missing.")


def _outcome(
    options: DemoOptions, config: Path, broker: DemoBroker, agents: Sequence[Path], seconds: float
) -> Outcome:
    statistics = json.loads(
        subprocess.run(
            [sys.executable, "-m", "aggregator", "stats", "--json", "--config", str(config)],
            check=True, capture_output=True,
        ).stdout
    )  # fmt: skip
    return Outcome(
        seconds=seconds,
        nodes=len(options.plans),
        broker=broker.name,
        models=sorted({plan.bundle.stem for plan in options.plans}),
        published=sum(produced(agent) for agent in agents),
        stored=statistics["stored"],
        declared=statistics["gaps"],
        stored_twice=statistics["stored_twice"],
        redelivered=statistics["duplicates"],
        quarantined=statistics["quarantined"],
        detections=statistics["detections_by_node"],
        latency_p50_ms=statistics["latency"]["p50_ms"],
        latency_p95_ms=statistics["latency"]["p95_ms"],
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _positive(written: str) -> int:
    value = int(written)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
