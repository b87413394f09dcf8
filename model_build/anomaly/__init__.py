"""Models that know only what is normal, and tell how far a sound is from it."""
