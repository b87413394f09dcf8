"""The learning loop from end to end with real parts: what ``python -m benchmarks.learning_loop`` runs."""
