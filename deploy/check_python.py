"""Says what to do when this Python cannot run Soundpost. Runs on any Python 3."""

import sys

found = ".".join(str(part) for part in sys.version_info[:2])

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        "Soundpost needs Python 3.11, 3.12 or 3.13; this is " + found + ". "
        "Name another one: make PYTHON=python3.12 ..."
    )
try:
    import ensurepip  # noqa: F401
    import venv  # noqa: F401
except ImportError:
    sys.exit("This Python cannot make virtual environments. On Debian: sudo apt-get install python3-venv")
