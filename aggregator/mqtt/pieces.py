"""Pieces of metadata and bundles for nodes that reach nothing but the broker. Ingest comes first."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from aggregator.errors import AggregatorError
from aggregator.services.inbox import Incoming
from aggregator.services.ota_delivery import OtaDelivery
from contract import topics, wire
from contract.errors import ContractError
from contract.updates import Fetch

MOST_PER_TURN: Final = 2
MOST_WAITING: Final = 200
"""Beyond that a question is passed over: the node asks again."""

_log = logging.getLogger(__name__)


class Pieces:
    """Questions in the order in which they came, and their answers."""

    def __init__(self, namespace: str, delivery: OtaDelivery) -> None:
        self._namespace = namespace
        self._delivery = delivery
        self._asked: deque[tuple[str, Fetch]] = deque()

    def take(self, incoming: Incoming) -> bool:
        """Whether ``incoming`` is such a question. What cannot be read is none: ingest quarantines it."""
        try:
            node, topic = topics.parse_topic(self._namespace, incoming.topic)
            if topic != topics.FETCH:
                return False
            asked = wire.decode_as(Fetch, topic, incoming.payload)
        except ContractError:
            return False
        # A retained one is nobody's question of now.
        if not incoming.retained and len(self._asked) < MOST_WAITING:
            self._asked.append((node, asked))
        return True

    @property
    def wait(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._asked)

    def answer(self, publish: Callable[[str, bytes], bool]) -> None:
        """Answer a few; ``publish`` takes topic and content."""
        for _ in range(min(MOST_PER_TURN, len(self._asked))):
            node, asked = self._asked.popleft()
            try:
                content = wire.encode(topics.PIECE, self._delivery.piece(node, asked))
            except (AggregatorError, ContractError, OSError) as error:
                _log.error("%s is not given a piece of %r: %s", node, asked.path, error)
                continue
            publish(topics.topic_name(self._namespace, node, topics.PIECE), content)
