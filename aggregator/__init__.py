"""The program that gathers: it ingests, stores and shows what the fleet hears."""
