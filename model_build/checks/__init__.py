"""What is wrong with recordings, said before any training starts."""
