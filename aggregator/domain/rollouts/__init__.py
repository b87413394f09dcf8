"""Rollouts: which node gets a release when, and when nobody gets it any more. Pure rules."""
