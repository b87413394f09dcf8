"""Denoisers: they learn from clean speech and noise mixed on the way, and become denoise.tflite."""
