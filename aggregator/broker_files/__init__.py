"""Configurations for mosquitto in which every node may write its own topics and nothing else."""

from aggregator.broker_files.certified import plan as certified
from aggregator.broker_files.passwords import Plan, hashed, plan
from aggregator.broker_files.refreshing import refresh
from aggregator.broker_files.rules import AGGREGATOR, access_rules
from aggregator.broker_files.writing import write

__all__ = ["AGGREGATOR", "Plan", "access_rules", "certified", "hashed", "plan", "refresh", "write"]
