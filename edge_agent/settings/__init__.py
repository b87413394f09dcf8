"""Every setting: its meaning (``values``), its kind (``fields``) and where it comes from (``loading``)."""

from edge_agent.settings.live import LiveSettings
from edge_agent.settings.loading import add_flags, every_setting, flag, load_settings, variable
from edge_agent.settings.talk import TalkSettings
from edge_agent.settings.updates import UpdateSettings
from edge_agent.settings.values import (
    BrokerSettings,
    DenoiseSettings,
    DetectorSettings,
    HealthSettings,
    InputSettings,
    ModelSettings,
    NodeSettings,
    OutboxSettings,
    PublishSettings,
    SamplingSettings,
    Settings,
)

__all__ = [
    "BrokerSettings",
    "DenoiseSettings",
    "DetectorSettings",
    "HealthSettings",
    "InputSettings",
    "LiveSettings",
    "ModelSettings",
    "NodeSettings",
    "OutboxSettings",
    "PublishSettings",
    "SamplingSettings",
    "Settings",
    "TalkSettings",
    "UpdateSettings",
    "add_flags",
    "every_setting",
    "flag",
    "load_settings",
    "variable",
]
