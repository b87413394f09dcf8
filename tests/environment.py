"""What a program finds around it that a test starts."""

import os


def clean_environment() -> dict[str, str]:
    """That of the tests, without settings of a Soundpost that may run here."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SOUNDPOST_")}
