"""How a label and a reviewer may be called, and what a model's label means to a reviewer."""

from typing import Final

from aggregator.errors import LabelError, ReviewError
from contract.manifest import ANOMALY, is_target

LONGEST_LABEL: Final = 60
LONGEST_REVIEWER: Final = 40
NONE_OF_THEM: Final = "none of them"
"""How files say that a window holds none of the labels."""


def label_name(text: str) -> str:
    """``text`` as the name of a label; ``LabelError`` says what does not suit.

    >>> label_name("  night owl ")
    'night owl'
    """
    name = " ".join(text.split())
    if not name:
        raise LabelError("a label needs a name")
    if len(name) > LONGEST_LABEL:
        raise LabelError(f"a label's name has at most {LONGEST_LABEL} characters")
    if not name.isprintable():
        raise LabelError("a label's name must be of characters that can be printed")
    if name.casefold() == NONE_OF_THEM:
        raise LabelError(f"“{NONE_OF_THEM}” is what a window without a label is called")
    if not is_target(name) or name == ANOMALY:
        raise LabelError(f"“{name}” is a word that models keep for themselves")
    return name


def reviewer_name(text: str) -> str:
    """``text`` as the name of a reviewer; ``ReviewError`` says what does not suit.

    >>> reviewer_name(" Ada ")
    'Ada'
    """
    name = " ".join(text.split())
    if not name:
        raise ReviewError("say who you are: what you answer is kept with your name")
    if len(name) > LONGEST_REVIEWER or not name.isprintable():
        raise ReviewError(f"a name has at most {LONGEST_REVIEWER} characters that can be printed")
    return name


def means_none(model_label: str) -> bool:
    """Whether a model that says this says that it heard none of its labels.

    >>> means_none("_background_"), means_none("dog")
    (True, False)
    """
    return not is_target(model_label)
