"""Learning again from what nodes sent: base archive, snapshots of reviewed windows, judging."""
