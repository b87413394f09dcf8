"""A clock at 1970, and one that is set while the agent runs: told, survived, nothing lost."""

import time
from pathlib import Path

import pytest

from contract.messages import Gap
from contract.topics import DETECTION, GAP
from contract.wire import decode_as
from edge_agent.check import check_clock
from edge_agent.health import clock_synced
from edge_agent.outbox import Outbox, Reader
from tests.edge_agent.test_outbox import BOOT, NEXT, a_detection
from tests.waiting import wait_until


def test_a_clock_that_was_never_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 12.5)
    assert not clock_synced()
    finding = check_clock()
    assert (finding.ok, "1970" in finding.says, bool(finding.mend)) == (False, True, True)


def test_a_restart_into_1970_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(boot: str) -> Outbox:
        outbox = Outbox(tmp_path / "o.sqlite", boot, limit_bytes=10**6, commit_s=0.01)
        outbox.start()
        outbox.append(DETECTION, a_detection(boot))
        wait_until(lambda: outbox.counters.last_sequence >= 1, timeout_s=10)
        return outbox

    first = opened(BOOT)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    second = opened(NEXT)
    wait_until(lambda: second.counters.last_sequence == 2, timeout_s=10)
    reader = Reader(second)
    rows = reader.next(10)
    reader.close()
    assert {(row.boot, row.sequence) for row in rows} == {(BOOT, 1), (NEXT, 1), (NEXT, 2)}
    [gap] = [decode_as(Gap, GAP, row.content) for row in rows if row.kind == "gap"]
    assert gap.start_s == gap.end_s == 0
    second.close()
    first.close()
