"""Public data sets, fetched so that a broken line, a full disk or a changed file does no harm."""
