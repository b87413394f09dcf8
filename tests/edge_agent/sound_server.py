"""A userland sound server with a virtual microphone that hears what is played to a virtual loudspeaker."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

PROGRAMS = ("pulseaudio", "paplay", "pactl")
MODULES = (
    "module-native-protocol-unix",
    "module-null-sink sink_name=virt rate=48000",
    "module-remap-source master=virt.monitor source_name=virtmic",
)


class SoundServer:
    """PulseAudio in folders of its own; nothing of this machine's sound is touched."""

    def __init__(self, folder: Path) -> None:
        missing = [program for program in PROGRAMS if shutil.which(program) is None]
        if missing:
            pytest.skip(f"needs {', '.join(missing)}: apt-get install pulseaudio pulseaudio-utils")
        self._log = folder / "pulseaudio.log"
        self._home, self._runtime = folder / "home", folder / "run"
        self._home.mkdir()
        self._runtime.mkdir(mode=0o700)
        (self._home / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """For whoever shall hear this server."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PULSE_", "SOUNDPOST_"))
        }
        return {**kept, "HOME": str(self._home), "XDG_RUNTIME_DIR": str(self._runtime)}

    def start(self) -> None:
        """Start it and wait until its microphone is the default one."""
        modules = [part for module in MODULES for part in ("-L", module)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["pulseaudio", "-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no", *modules],
                env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.1)

    def _answers(self) -> bool:
        asked = ["pactl", "set-default-source", "virtmic"]
        return subprocess.run(asked, env=self.environment, capture_output=True, timeout=10).returncode == 0

    def play(self, path: Path) -> None:
        """Play a file to its end."""
        subprocess.run(["paplay", "-d", "virt", str(path)], env=self.environment, check=True, timeout=60)

    def kill(self) -> None:
        """Pull the plug."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None
