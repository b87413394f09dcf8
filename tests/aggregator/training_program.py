"""``aggregator`` with reviews from a file: a program that a test may kill."""

import os
import sys
from pathlib import Path

from aggregator import bootstrap
from aggregator.__main__ import main
from tests.aggregator.learning import FakeDataset

if __name__ == "__main__":
    bootstrap.dataset = lambda _opened: FakeDataset(Path(os.environ["REVIEWS"]))
    sys.exit(main())
