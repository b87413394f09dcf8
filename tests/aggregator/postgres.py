"""A PostgreSQL of the tests' own, in a temporary folder, on a socket in that folder."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import free_port


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    anywhere = shutil.which("initdb")
    return Path(anywhere).parent if anywhere else None


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """The address of a running server; the test is skipped, saying why, where there can be none."""
    programs = _programs()
    if programs is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    user: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("runuser") is None:
            pytest.skip("PostgreSQL does not run as root, and runuser is missing")
        user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
    port = free_port()
    place = folder / "cluster"
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
    _run([*user, str(programs / "initdb"), "-D", str(place), "-U", "soundpost", "-A", "trust", "-N"], folder)
    control = [*user, str(programs / "pg_ctl"), "-D", str(place), "-w", "-l", str(folder / "log")]
    _run([*control, "-o", options, "start"], folder)
    try:
        yield f"postgresql://soundpost@127.0.0.1:{port}/postgres"
    finally:
        _run([*control, "-m", "immediate", "stop"], folder)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)
    if done.returncode:
        pytest.skip(f"PostgreSQL does not start: {done.stderr.decode(errors='replace')[-300:]}")
