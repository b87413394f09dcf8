"""Two processes over one data folder do not both move rollouts on."""

import subprocess
import sys
from pathlib import Path

import pytest

from aggregator.errors import StoreError
from aggregator.services.alone import Alone, is_done

HOLDER = """
import sys
from pathlib import Path
from aggregator.services.alone import Alone

class Work:
    def step(self):
        return True

print(Alone(Work(), Path(sys.argv[1])).step(), flush=True)
sys.stdin.read()
"""


class Counted:
    steps = 0

    def step(self) -> bool:
        self.steps += 1
        return True


def test_one_of_two_works_and_the_other_takes_over_when_it_is_killed(tmp_path: Path) -> None:
    path, work = tmp_path / "work.lock", Counted()
    mine = Alone(work, path)
    assert not is_done(path)
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert is_done(path)
        assert (mine.step(), work.steps) == (False, 0)
        other.kill()
    assert not is_done(path)
    assert (mine.step(), mine.step(), work.steps) == (True, True, 2)
    assert is_done(path)


def test_asking_makes_no_file_that_would_belong_to_whoever_asked(tmp_path: Path) -> None:
    assert not is_done(tmp_path / "work.lock")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"work\.lock"):
        Alone(Counted(), tmp_path / "gone" / "work.lock").step()
