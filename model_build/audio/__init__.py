"""How good sound is that was made from frames: what the codec learns from, and what it is compared with."""
