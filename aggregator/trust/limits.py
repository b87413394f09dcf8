"""How long what comes from outside may be."""

from typing import Final

METADATA_BYTES: Final = 512_000
"""Longest metadata; what nodes take of a root at most."""

HAND_OVER_BYTES: Final = 16_000_000
"""A file to hand in: one of the largest bundles, as text, and metadata."""
