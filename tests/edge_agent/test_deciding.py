"""What to do about what is desired."""

from contract.updates import Desired
from edge_agent.swap.deciding import decide, supersedes

ONE, OTHER, MINE = "a" * 64, "b" * 64, "c" * 64


def want(release: str | None = ONE, mode: str = "live", attempt: int = 1, serial: int = 1) -> Desired:
    target = "x.bundle" if release else ""
    return Desired(serial=serial, issued_s=0, release=release, target=target, mode=mode, attempt=attempt)


def action(desired: Desired, tried: Desired | None = None, failed: str | None = None, **more: bool) -> str:
    shadowed = more.get("shadowed", False)
    return decide(desired, in_service=MINE, tried=tried, failed=failed, shadowed=shadowed).action


def test_what_is_wanted_is_installed() -> None:
    assert action(want()) == action(want(mode="shadow")) == "install"
    assert action(want(), shadowed=True) == "install", "after the shadow it may speak"


def test_nothing_is_to_be_done() -> None:
    assert action(want(None)) == action(want(MINE)) == action(want(MINE, mode="shadow")) == "rest"
    assert action(want(mode="shadow"), shadowed=True) == "rest"


def test_what_has_failed_is_refused() -> None:
    decision = decide(want(), in_service=MINE, tried=None, failed="it hung", shadowed=False)
    assert (decision.action, decision.reason) == ("refuse", "this attempt has failed before: it hung")


def test_what_is_tried_goes_on_unless_something_else_is_wanted() -> None:
    trial, shadow = want(), want(mode="shadow")
    assert action(want(serial=2), trial) == action(want(mode="shadow", serial=2), shadow) == "rest"
    for tried in (trial, shadow):
        for newer in (want(None), want(OTHER), want(attempt=2), want(MINE)):
            assert action(newer, tried) == "dismiss"
    assert action(want(), shadow) == action(want(mode="shadow"), trial) == "dismiss"


def test_only_another_order_interrupts() -> None:
    assert not supersedes(want(serial=9), want())
    assert supersedes(want(None), want())
