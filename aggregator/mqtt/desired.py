"""Tells nodes what they should run: one retained message each, sent again when the broker was away."""

import logging
import time
from typing import Final

from aggregator.errors import StoreError
from aggregator.mqtt.link import Link
from aggregator.services.desired import SENT_AT_ONCE, DesiredService
from contract import topics, wire
from contract.errors import ContractError

PERIOD_S: Final = 0.5

_log = logging.getLogger(__name__)


class DesiredMessages:
    """Sends what waits, some at a time."""

    def __init__(self, namespace: str, desired: DesiredService) -> None:
        self._namespace = namespace
        self._desired = desired
        self._next_s = 0.0
        self._generation: int | None = None

    def send(self, link: Link) -> None:
        """Send some of what waits, unless that was done a moment ago."""
        now_s = time.monotonic()
        if not link.connected or now_s < self._next_s:
            return
        self._next_s = now_s + PERIOD_S
        try:
            if self._generation != link.generation:
                # A broker that was started anew may have lost what it retained.
                self._desired.send_again()
                self._generation = link.generation
            self._send_some(link)
        except (StoreError, ContractError) as error:
            _log.error("nodes cannot be told what to run: %s", error)

    def _send_some(self, link: Link) -> None:
        waiting = self._desired.unsent()
        told = [
            one
            for one in waiting
            if link.publish(
                topics.topic_name(self._namespace, one.node, topics.DESIRED),
                wire.encode(topics.DESIRED, one.message),
                qos=topics.DESIRED.qos,
                retain=topics.DESIRED.retain,
            )
        ]
        if told:
            self._desired.mark_sent(told)
        if len(waiting) == SENT_AT_ONCE:
            self._next_s = 0.0
