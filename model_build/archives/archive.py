"""The public archives that the factory knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from model_build.archives.contents import check_esc50, check_speech_commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A data set as one file at one address."""

    name: str
    title: str
    licence: str
    url: str
    file_name: str
    """What the file is called on the disk; its suffix says how it is packed."""
    size_bytes: int | None
    """Exact size, if the archive never changes."""
    about_bytes: int
    """Size to expect, for the progress bar and the check of the disk."""
    unpacked_bytes: int
    """Room that the recordings need, rounded up."""
    sha256: str | None
    """None: the address gives a freshly packed file each time; then the contents are checked instead."""
    folder: str
    """What the folder with the recordings is called."""
    check: Callable[[Path], None]
    """Raises ``DatasetError`` if the unpacked folder is not the data set."""


ARCHIVES: Mapping[str, Archive] = {
    archive.name: archive
    for archive in (
        Archive(
            name="speech-commands",
            title="Google Speech Commands v0.02: 105,829 one-second clips of 35 words, six noise recordings",
            licence="CC BY 4.0, Warden 2018, arXiv:1804.03209",
            url="https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
            file_name="speech_commands_v0.02.tar.gz",
            # Size and digest as the loaders of TensorFlow Datasets and torchaudio have them.
            size_bytes=2_428_923_189,
            about_bytes=2_428_923_189,
            unpacked_bytes=4_000_000_000,
            sha256="af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
            folder="speech_commands_v0.02",
            check=check_speech_commands,
        ),
        Archive(
            name="esc50",
            title="ESC-50: 2,000 five-second clips of 50 classes in five folds, with ESC-10 among them",
            licence="CC BY-NC 3.0 (its part ESC-10: CC BY 3.0), Piczak 2015",
            url="https://github.com/karolpiczak/ESC-50/archive/refs/heads/master.zip",
            file_name="ESC-50-master.zip",
            size_bytes=None,
            about_bytes=650_000_000,
            unpacked_bytes=950_000_000,
            sha256=None,
            folder="ESC-50-master",
            check=check_esc50,
        ),
    )
}
