"""The learning loop from end to end, with real parts: does a fleet learn a word that its model did not know?

    python -m benchmarks.learning_loop --data ../shared/data/speech_commands --out loop

A starter is trained without the word. A broker, an aggregator and fourteen agents start; the agents play
recordings of people whom the starter never heard, and send what their model is unsure of. Somebody who knows
what was played reviews windows in a real browser by keyboard, presses the button that retrains, and reads
what the gate says. Starter and candidate are then compared on clips that nothing before has heard.

Exit status 0: the gate passed the candidate, it finds the word in at least 85 % of those clips, and the old
labels lose at most one point. With --poison, a third of the answers being wrong: the gate refused it.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from model_build.commands.numbers import positive
from model_build.console import without_chatter


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of Speech Commands")
    parser.add_argument("--new-label", default="go", metavar="WORD", help="to be learned (default: go)")
    parser.add_argument("--reviews", type=positive, default=60, metavar="N", help="(default: 60)")
    parser.add_argument("--poison", action="store_true", help="a third of the answers are wrong")
    parser.add_argument("--seed", type=int, default=1, help="of what is played and which answers are wrong")
    parser.add_argument("--epochs", type=positive, default=48, help="of the starter (default: 48)")
    parser.add_argument("--copies", type=positive, default=6, help="for the starter (default: 6)")
    parser.add_argument(
        "--retrain-epochs", type=positive, default=25, metavar="N",
        help="of the retraining (default: 25, as for a starter that had the factory's full budget)",
    )  # fmt: skip
    parser.add_argument(
        "--work", type=Path, default=Path("var/learning-loop"), metavar="FOLDER",
        help="keeps the starter for the next run, and what the last one left (default: var/learning-loop)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for pictures and result.json")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of a table")
    options = parser.parse_args()
    with without_chatter():
        from benchmarks.learning_loop.loop import run
    from benchmarks.learning_loop.outcome import table

    outcome = run(options)
    plain = json.dumps(outcome.to_plain())
    if options.out:
        (options.out / "result.json").write_text(f"{plain}\n")
    print(plain if options.json else table(outcome))
    return 1 if outcome.failures() else 0


if __name__ == "__main__":
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
