"""What a model is worth, measured and then drawn.

Pure measures, a file each: ``intervals``, ``clip_scores`` (accuracy, confusion, ROC), ``calibration``,
``alarms`` (false alarms against misses), ``latency``, ``treatments`` and ``nothing`` (robustness).
``classifier`` hears everything once and fills ``figures.ClassifierFigures``, which ``pictures`` and ``page``
draw and ``terminal`` sums up.
"""
