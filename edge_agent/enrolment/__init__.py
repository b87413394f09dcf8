"""How the node joins a fleet, and keeps its certificate young. Only ``keys`` knows cryptography."""
