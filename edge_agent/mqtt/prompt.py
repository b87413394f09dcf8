"""Messages that are sent now or never: how many of them have not left yet."""

import threading
from collections import deque
from typing import Final

from paho.mqtt.client import MQTTMessageInfo
from paho.mqtt.enums import MQTTErrorCode

MOST_UNSENT: Final = 6
"""Packets; whatever comes behind so many is better dropped than late."""


class Prompt:
    """One connection's. Safe for use by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unsent: deque[MQTTMessageInfo] = deque()

    @property
    def room(self) -> bool:
        """Whether another one would leave soon."""
        with self._lock:
            while self._unsent and self._unsent[0].is_published():
                self._unsent.popleft()
            return len(self._unsent) < MOST_UNSENT

    def sent(self, info: MQTTMessageInfo) -> bool:
        """One was handed to the connection; whether that took it."""
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        with self._lock:
            self._unsent.append(info)
        return True
