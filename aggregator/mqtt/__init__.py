"""The only door to the broker."""
