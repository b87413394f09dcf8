"""Noise taken off sound: the spectra that it is done on, and the classic rule that needs no model."""
