"""The agents of the demonstration: their settings, and what their outboxes say in the end."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from aggregator.demo.broker import DemoBroker
from aggregator.demo.children import DemoError
from aggregator.demo.source import NodePlan


def agent_command(config: Path, *arguments: str) -> list[str]:
    """How an agent is started: as the program that a node runs."""
    return [sys.executable, "-m", "edge_agent", *arguments, "--config", str(config)]


def write_agent_config(plan: NodePlan, broker: DemoBroker, folder: Path) -> Path:
    """The agent's settings, as a file like any node's."""
    state = folder / plan.name
    state.mkdir(parents=True, exist_ok=True)
    sections: dict[str, dict[str, Any]] = {
        "node": {"name": plan.name, "site": plan.site, "tags": ["demo"], "state": str(state)},
        "model": {"bundle": str(plan.bundle.resolve())},
        "input": _input(plan),
        "broker": {"host": "127.0.0.1", "port": broker.port, "protocol": broker.protocol},
        "health": {"heartbeat_s": 1.0},
    }
    path = folder / f"{plan.name}.toml"
    path.write_text(toml(sections))
    return path


def produced(config: Path) -> int:
    """Sequences that all boots of a node have given out, by its own outbox."""
    done = subprocess.run(agent_command(config, "outbox", "--json"), capture_output=True, check=False)
    if done.returncode != 0:
        raise DemoError(f"the outbox of {config.stem} cannot be read: {done.stderr.decode()[-500:]}")
    return sum(boot["last_sequence"] for boot in json.loads(done.stdout)["boots"])


def _input(plan: NodePlan) -> dict[str, Any]:
    if plan.source is None:
        return {"source": "microphone"}
    # Any number does that makes the first few nodes begin with different files.
    order = 47 * plan.number
    path = str(plan.source.resolve())
    return {"source": "files", "path": path, "loop": True, "pause_s": 1.0, "shuffle": order}


def toml(sections: dict[str, dict[str, Any]]) -> str:
    """Settings as a file."""
    lines = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        # Strings, numbers, truths and lists of strings are written alike in JSON and TOML.
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"
