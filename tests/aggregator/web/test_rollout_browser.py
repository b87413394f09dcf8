"""Rollouts in a browser, over the real server with the rules beside it, and a bundle really signed."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from aggregator.settings import as_environment
from contract import topics
from contract.updates import Disagreement, Shadow, Update
from tests.aggregator.web.browser import PHONE, Browser
from tests.aggregator.web.hub import PASSWORD, Hub, Node
from tests.conftest import ROOT
from tests.waiting import wait_until

NAMES = ("attic", "barn", "cave", "dock")
OLD = "sounds@1.0.0"


class RollingHub(Hub):
    """A hub with four nodes that say what a test wants, and one published bundle."""

    def publish(self) -> None:
        """Make keys and sign a bundle, as an operator would."""
        secret = self.settings.folder / "passphrase"
        secret.write_text("a passphrase of a test\n")
        secret.chmod(0o600)
        for words in (["keys", "init"], ["publish", str(ROOT / "models" / "sounds.bundle")]):
            keys = ["--keys", str(self.settings.folder / "keys"), "--passphrase-file", str(secret)]
            command = [sys.executable, "-m", "aggregator", "ota", *words, *keys]
            environment = {**os.environ, **as_environment(self.settings)}
            subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True)
        self.release = self.services.ota_repository.published()[0]
        self.nodes = {name: Node(self, name) for name in NAMES}
        for node in self.nodes.values():
            node.come()

    def told(self) -> list[str]:
        """Nodes that should run the bundle."""
        wanted = [(name, self.services.ota_delivery.desired(name)) for name in NAMES]
        return [name for name, one in wanted if one is not None and one.release == self.release.digest]

    def say(self, name: str, phase: str, reason: str = "", rollout: int = 1) -> None:
        """A node reports."""
        node = self.nodes[name]
        wanted = self.services.ota_delivery.desired(name)
        update = Update(
            **node._stamp(), sequence=node._next(), release=self.release.digest, rollout=rollout,
            attempt=wanted.attempt, phase=phase, reason=reason, model=OLD,
        )  # fmt: skip
        self.send(name, topics.UPDATE, update)

    def listen(self, name: str) -> None:
        """A node's shadow reports, with a window of what only the candidate heard."""
        node, release = self.nodes[name], self.release.digest
        sequence = node.hear("dog", ago_s=5.0)
        node.show("dog", sequence, ago_s=5.0)
        both = {"model": OLD, "candidate": self.release.model, "release": release}
        stamp = node._stamp()
        now_s = float(stamp["wall_s"])  # type: ignore[arg-type]
        self.send(
            name, topics.DISAGREEMENT,
            Disagreement(**stamp, **both, sequence=node._next(), kind="gained", label="rooster",
                         posterior=0.2, candidate_posterior=0.97, start_s=now_s - 7, end_s=now_s - 6),
        )  # fmt: skip
        self.send(
            name, topics.SHADOW,
            Shadow(**stamp, **both, sequence=node._next(), start_s=now_s - 3600, end_s=now_s, steps=18_000,
                   agreed=17_712, skipped=0, both={"dog": 14, "rain": 3}, gained={"rooster": 4},
                   lost={"rain": 1}, cpu_percent=3.1),
        )  # fmt: skip


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollingHub]:
    made = RollingHub(tmp_path_factory.mktemp("rolling"))
    made.services.accounts.set(PASSWORD)
    made.publish()
    made.start()
    yield made
    made.stop()


def create(browser: Browser, hub: RollingHub, waves: str, *switches: str) -> None:
    browser.driver.get(f"{hub.address}/rollouts/new")
    browser.run(f"document.querySelector('[name=waves]').value = {waves!r}")
    for switch in ("new_front_end", *switches):
        browser.one(f"input[name={switch}]").click()
    browser.one("button[name=show]").click()
    browser.until(lambda: browser.all("[data-preview]"), "what would happen")


def test_a_rollout_is_made_watched_and_paused(browser: Browser, hub: RollingHub) -> None:
    create(browser, hub, "canary=1, success=100%\nall=100%")
    assert browser.text("[data-preview] li[data-wave=all]").count("3 nodes") == 1
    assert hub.services.rollouts.every() == []
    browser.one("button[name=begin]").click()
    browser.until(lambda: browser.text("h1") == "Rollout 1", "the rollout")
    browser.run("document.body.dataset.sameDocument = 'yes'")
    wait_until(lambda: len(hub.told()) == 1, "the canary is told")
    (canary,) = hub.told()
    hub.say(canary, "downloading")
    row = f"tr[data-node={canary}]"
    browser.until(lambda: "downloading" in browser.text(row), "its progress")
    hub.say(canary, "confirmed")
    browser.until(lambda: browser.one("[data-wave=canary]").get_attribute("data-state") == "done", "a wave")
    browser.until(lambda: "3 assigned" in browser.text("[data-wave=all]"), "the next wave")
    assert browser.run("return document.body.dataset.sameDocument") == "yes", "nothing was reloaded"
    browser.one("a[href='/rollouts/1/ask/pause']").click()
    browser.until(lambda: browser.text("h1") == "Pause rollout 1?", "the question")
    assert "Those under way finish" in browser.text("[data-consequences]")
    browser.one("input[name=reason]").send_keys("lunch")
    browser.one("form.stack button").click()
    browser.until(lambda: "paused" in browser.text("#state-head"), "the pause")
    assert browser.text("[data-reason]") == "Lunch."
    other = next(name for name in NAMES if name != canary)
    hub.say(other, "rolled_back", "deaf in the rain")
    browser.until(lambda: "deaf in the rain" in browser.text(f"tr[data-node={other}]"), "why it failed")


def test_what_failed_is_rolled_back_and_on_record(browser: Browser, hub: RollingHub) -> None:
    browser.driver.get(f"{hub.address}/rollouts/1/ask/halt")
    browser.one("form.stack button.alarming").click()
    browser.until(lambda: "halted" in browser.text("#state-head"), "the end")
    assert len(hub.told()) == 1, "only who has confirmed it keeps it"
    browser.driver.get(f"{hub.address}/audit")
    said = browser.text("table")
    assert all(
        action in said for action in ("rollout.create", "rollout.pause", "rollout.halt", "ota.hand_in")
    )
    assert "nothing changed or taken out" in browser.text("[data-examined]")


def test_a_shadow_shows_what_it_would_have_heard(browser: Browser, hub: RollingHub) -> None:
    create(browser, hub, "ears=2, shadow=1h\nall=100%")
    browser.one("button[name=begin]").click()
    browser.until(lambda: browser.text("h1") == "Rollout 2", "the rollout")
    wait_until(lambda: len(hub.told()) >= 2, "ears are told")
    listening = [n for n in NAMES if hub.services.ota_delivery.desired(n).mode == "shadow"]
    hub.listen(listening[0])
    browser.until(lambda: "98.4 %" in browser.text("[data-shadow]"), "how far both agree")
    browser.one("tr[data-label=rooster] a").click()
    browser.until(lambda: browser.text("h1").endswith("in shadow: rooster"), "what only one heard")
    assert "candidate 97 %, in service 20 %" in browser.text(".heard-otherwise")


@pytest.mark.parametrize(
    "path", ["/rollouts", "/rollouts/1", "/rollouts/2", "/rollouts/new", "/rollouts/1/ask/rollback", "/audit"]
)
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, hub: RollingHub, path: str) -> None:
    with browser.as_phone():
        browser.driver.get(hub.address + path)
        assert browser.run("return document.documentElement.scrollWidth") == PHONE[0]
