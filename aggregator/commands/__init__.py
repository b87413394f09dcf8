"""The commands of the learning loop, one file each."""
