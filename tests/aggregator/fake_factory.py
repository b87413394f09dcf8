"""Stands in for ``model-build``: a real process that speaks its interface, and misbehaves when it is told to.

The file that is handed over as the base archive holds, as JSON, what shall happen.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from contract.bundle import Bundle, read_bundle, write_bundle
from contract.manifest import layout
from tests.aggregator import judged


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=("retrain", "judge"))
    for name in ("base", "windows", "out", "work", "bundle"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--progress-json", action="store_true")
    words = parser.parse_args()
    plan = json.loads(words.base.read_text())
    if words.command == "retrain":
        _retrain(words, plan)
    else:
        _judge(words, plan)


def _retrain(words: argparse.Namespace, plan: dict[str, Any]) -> None:
    words.work.mkdir(parents=True, exist_ok=True)
    note = words.work / "epochs"
    done = int(note.read_text()) if note.exists() else 0
    _note(plan, f"start {done} nice {os.nice(0)} {os.environ.get('SOUNDPOST_AGGREGATOR_BROKER_PASSWORD')}")
    _note(plan, f"session nice {session_nice()}")
    _misbehave(plan.get("behaviour"), plan)
    for epoch in range(done + 1, words.epochs + 1):
        time.sleep(plan.get("epoch_s", 0.02))
        note.write_text(str(epoch))
        _note(plan, f"epoch {epoch}")
        told = {"epoch": epoch, "epochs": words.epochs, "done": epoch, "total": words.epochs}
        _say(**told, loss=1 / epoch, validation_accuracy=1 - 0.5 / epoch, remaining_s=words.epochs - epoch)
        while epoch == plan.get("hold_after") and Path(plan["hold"]).exists():
            time.sleep(0.05)
    digest = json.loads((words.windows / "snapshot.json").read_text())["digest"]
    words.out.write_bytes(another_version(Path(plan["bundle"]), f"1.0.0+{digest[:8]}"))


def session_nice() -> int | None:
    """How the kernel ranks this session among the others; None where it does not share between sessions."""
    path = Path("/proc/self/autogroup")
    return int(path.read_text().split()[-1]) if path.exists() else None


def another_version(starter: Path, version: str) -> bytes:
    """The bundle ``starter`` under another version."""
    bundle = read_bundle(starter)
    return write_bundle(_fields(bundle) | {"version": version}, bundle.files)


def _fields(starter: Bundle) -> dict[str, Any]:
    filled = {"schema", "files", "frontend_digest", *layout()}
    return {
        field.name: getattr(starter.manifest, field.name)
        for field in fields(starter.manifest)
        if field.name not in filled
    }


def _judge(words: argparse.Namespace, plan: dict[str, Any]) -> None:
    bundle = read_bundle(words.bundle)
    role = "incumbent" if "incumbent" in words.out.name else "candidate"
    _note(plan, f"judge {role}")
    if words.progress_json:
        _say(what="judging windows", done=3, total=4)
        while Path(plan.get("hold_judge", plan["log"] + ".none")).exists():
            time.sleep(0.05)
    content = plan[role]
    with np.load(words.windows / "windows.npz", allow_pickle=False) as arrays:
        held_out = [int(one) for one in arrays["window_id"][arrays["split"] > 0]]
    figures = judged.plain(digest=bundle.digest, labels=bundle.manifest.labels) | content
    if "windows" not in content:
        figures["windows"] = [
            {"window_id": one, "split": "test", "truth": "yes", "said": "yes", "posterior": 0.9}
            for one in held_out
        ]
    words.out.write_text(json.dumps(figures))


def _misbehave(behaviour: str | None, plan: dict[str, Any]) -> None:
    if behaviour == "crash":
        sys.stderr.write("Traceback: the roof fell in\n")
        sys.exit(7)
    if behaviour == "no module":
        raise ModuleNotFoundError("No module named 'tensorflow'")
    if behaviour == "eat":
        eaten = []
        while True:
            eaten.append(bytearray(20_000_000))
    if behaviour == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        _note(plan, f"grandchild {child.pid}")
        time.sleep(600)
    if behaviour == "rubbish":
        sys.stdout.buffer.write(b"this is no JSON\n\xff\xfe{" + b"x" * 200_000)
        sys.stdout.buffer.write(b'\n[1, 2]\n{"epoch": "many", "loss": NaN}\n{"what": 5}\n')
        sys.stdout.buffer.flush()
    if behaviour == "nothing":
        sys.exit(0)


def _note(plan: dict[str, Any], words: str) -> None:
    with Path(plan["log"]).open("a") as file:
        file.write(words + "\n")


def _say(**fields: Any) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
