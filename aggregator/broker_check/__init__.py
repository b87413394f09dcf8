"""``aggregator broker check``: tries at a running broker what nobody should be able to do."""

from aggregator.broker_check.check import Check, Finding, check

__all__ = ["Check", "Finding", "check"]
