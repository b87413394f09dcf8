"""Level, health, log lines, orders, and what systemd is told."""

import json
import logging
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.commands import Command
from contract.sampling import Sampling
from edge_agent import health, systemd
from edge_agent.agent.orders import Orders
from edge_agent.journal import JsonLines, Pairs
from edge_agent.level import FLOOR_DBFS, Meter, hop_powers, to_dbfs


def test_a_full_scale_sine_is_nought_decibels() -> None:
    sine = (32767 * np.sin(2 * np.pi * np.arange(16_000) / 16)).astype(np.int16).reshape(-1, 320)
    meter = Meter()
    meter.feed(hop_powers(sine), 32767)
    assert meter.leq_dbfs == pytest.approx(0, abs=0.01)
    levels, peak = meter.take()
    assert levels == (pytest.approx(0, abs=0.01),)
    assert peak == pytest.approx(0, abs=0.01)
    assert meter.take() == ((), FLOOR_DBFS)


@given(st.floats(0, 10))
def test_levels_are_numbers(power: float) -> None:
    assert FLOOR_DBFS <= to_dbfs(power) <= 10


def test_health_is_within_reason(tmp_path: Path) -> None:
    assert health.rss_bytes() > 1_000_000
    assert health.disk_free_bytes(tmp_path / "not" / "yet") > 0
    assert health.Processor().percent() >= 0
    assert isinstance(health.clock_synced(), bool)


def test_temperature_is_of_the_first_sensor_that_answers(tmp_path: Path) -> None:
    assert health.temperature_c(tmp_path) is None
    for zone, text in (("thermal_zone0", "nonsense"), ("thermal_zone1", "48312\n")):
        (tmp_path / zone).mkdir()
        (tmp_path / zone / "temp").write_text(text)
    assert health.temperature_c(tmp_path) == pytest.approx(48.312)


def test_systemd_is_told_where_it_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.notify("READY=1")
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        systemd.notify("READY=1", "STATUS=listening")
        assert listener.recv(100) == b"READY=1\nSTATUS=listening"
    systemd.notify("WATCHDOG=1")


def test_the_watchdog_is_fed_twice_as_often_as_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    assert systemd.watchdog_s() == 15
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert systemd.watchdog_s() is None


def a_record() -> logging.LogRecord:
    record = logging.LogRecord("edge_agent", logging.INFO, "", 1, "detection", (), None)
    record.label, record.posterior, record.where = "go", 0.912345, "the attic"
    return record


def test_a_log_line_is_pairs_or_json() -> None:
    assert Pairs().format(a_record()).endswith(' info detection label=go posterior=0.9123 where="the attic"')
    plain = json.loads(JsonLines().format(a_record()))
    assert (plain["event"], plain["label"], plain["posterior"]) == ("detection", "go", 0.912345)


OWN = Sampling()


def an_order(publish: str, number: int, expires_s: float = 1e11) -> Command:
    return Command(
        id=f"{number:032x}", issued_s=1, expires_s=expires_s, action="set_publish", publish=publish
    )


def a_sampling(sampling: Sampling, number: int) -> Command:
    return Command(id=f"{number:032x}", issued_s=1, expires_s=1e11, action="set_sampling", sampling=sampling)


def test_an_order_is_obeyed_once_and_kept(tmp_path: Path) -> None:
    orders = Orders(tmp_path, "results", OWN)
    orders.receive(an_order("all", 1))
    orders.receive(an_order("all", 1))
    assert len(orders.take()) == 1
    again = Orders(tmp_path, "results", OWN)
    assert again.policy == "all"
    again.receive(an_order("results+features", 1))
    assert again.take() == [], "the same order does not come into force again"
    assert Orders(tmp_path, "results+features", OWN).policy == "results+features", (
        "the owner has decided anew"
    )


def test_an_order_that_has_expired_is_not_obeyed(tmp_path: Path) -> None:
    orders = Orders(tmp_path, "results", OWN)
    orders.receive(an_order("all", 1, time.time() - 1))
    assert orders.take() == []
    assert orders.policy == "results"


@given(content=st.binary(max_size=100))
def test_orders_that_cannot_be_read_leave_the_owners_policy_and_close_the_node(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("orders")
    (folder / "orders.json").write_bytes(content)
    orders = Orders(folder, "results", OWN)
    assert (orders.policy, orders.sampling) == ("results", OWN)
    assert "no window is sent" in orders.problem


def test_a_sampling_that_was_commanded_survives_a_restart(tmp_path: Path) -> None:
    orders = Orders(tmp_path, "results", OWN)
    wanted = Sampling(private=("speech",), random_per_hour=0.5)
    orders.receive(a_sampling(wanted, 1))
    [order] = orders.take()
    assert order.sampling == orders.sampling == Orders(tmp_path, "results", OWN).sampling == wanted
    decided = Sampling(private=("cough",))
    assert Orders(tmp_path, "results", decided).sampling == decided, "the owner has decided anew"


def test_where_orders_cannot_be_read_a_new_one_mends_it(tmp_path: Path) -> None:
    (tmp_path / "orders.json").write_text('{"sampling": {"private": "speech"}, "sampling_instead_of": {}}')
    orders = Orders(tmp_path, "results", OWN)
    assert str(tmp_path) in orders.problem
    orders.receive(an_order("all", 1))
    orders.take()
    assert Orders(tmp_path, "results", OWN).problem, "what is private is still not known"
    orders.receive(a_sampling(OWN, 2))
    orders.take()
    assert not orders.problem
    assert not Orders(tmp_path, "results", OWN).problem


def test_orders_of_an_earlier_version_are_kept(tmp_path: Path) -> None:
    (tmp_path / "orders.json").write_text('{"policy": "all", "instead_of": "results", "seen": []}')
    orders = Orders(tmp_path, "results", OWN)
    assert (orders.policy, orders.sampling, orders.problem) == ("all", OWN, "")
