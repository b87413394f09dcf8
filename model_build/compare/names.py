"""The contenders by name."""

from collections.abc import Mapping
from typing import Final

TITLES: Final[Mapping[str, str]] = {
    "lstm": "LSTM (ours)",
    "gru": "GRU",
    "crnn": "CRNN",
    "ds-cnn": "DS-CNN (MLPerf Tiny)",
    "svm": "SVM (RBF)",
    "forest": "random forest",
    "tree": "decision tree",
    "templates": "templates (MFCC, DTW)",
}
"""In the order of the table."""

MODELS: Final = tuple(TITLES)
NEURAL: Final = ("lstm", "gru", "crnn", "ds-cnn")
REFERENCE: Final = "lstm"
