"""Commands that come a second time, from whomever: obeyed once, also after a restart; expired ones never."""

import secrets
import time
from pathlib import Path

import pytest

from contract.commands import Command
from contract.sampling import Sampling
from edge_agent.agent.orders import Orders

ACTIONS = ("report", "set_publish", "set_sampling", "renew_certificate")


def a_command(action: str, *, expires_in_s: float = 60.0) -> Command:
    now_s = time.time()
    return Command(
        id=secrets.token_hex(16), issued_s=now_s, expires_s=now_s + expires_in_s, action=action,
        publish="all" if action == "set_publish" else None,
        sampling=Sampling() if action == "set_sampling" else None,
    )  # fmt: skip


def orders(folder: Path) -> Orders:
    return Orders(folder, "results", Sampling())


@pytest.mark.parametrize("action", ACTIONS)
def test_a_replayed_command_is_not_obeyed_again(tmp_path: Path, action: str) -> None:
    command, first = a_command(action), orders(tmp_path)
    first.receive(command)
    first.receive(command)
    assert first.take() == [command]
    first.receive(command)
    assert first.take() == []
    again = orders(tmp_path)  # the agent was started anew meanwhile
    again.receive(command)
    assert again.take() == []


@pytest.mark.parametrize("action", ACTIONS)
def test_a_command_that_has_expired_is_not_obeyed(tmp_path: Path, action: str) -> None:
    late = orders(tmp_path)
    late.receive(a_command(action, expires_in_s=-1.0))
    assert late.take() == []
    assert late.policy == "results"
