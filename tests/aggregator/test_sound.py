"""Sound from stored windows: as files, in spans, and for whoever asks on the command line."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aggregator import bootstrap
from aggregator.__main__ import main
from aggregator.errors import SoundError, UnknownNodeError, UnknownWindowError
from aggregator.services.audit import AuditService
from aggregator.services.ingest import IngestService
from aggregator.services.sound import SoundService
from aggregator.services.sound_files import as_bytes, file_name
from aggregator.settings import Settings, Store
from aggregator.store.database import Database
from contract.audio import HOP_SAMPLES
from contract.codec.reconstruction import reconstruct
from tests.aggregator.heard import Heard, boot_of, frames
from tests.aggregator.messages import NAMESPACE, NOW_S, detection, incoming

DAY_AGO_S = NOW_S - 86_400
WINDOW_S = 2.0


class KeptAudit:
    """Remembers."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, Mapping[str, object]]] = []

    def record(self, who: str, action: str, details: Mapping[str, object]) -> None:
        self.kept.append((who, action, details))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    settings = Settings(store=Store(folder=str(tmp_path)))
    with closing(bootstrap.database(settings, migrate=True)) as opened:
        yield opened


@pytest.fixture
def heard(database: Database) -> Heard:
    """Two windows of the attic that touch, and one after a gap."""
    made = Heard(database)
    made.node("attic")
    for number, at_s in enumerate((0.0, 2.0, 6.0)):
        made.window(at_s=at_s, pattern=number)
    return made


@pytest.fixture
def audit() -> KeptAudit:
    return KeptAudit()


@pytest.fixture
def sound(database: Database, heard: Heard, audit: KeptAudit) -> SoundService:
    return SoundService(database, audit)


def pcm(*patterns: int) -> np.ndarray:
    drawn = b"".join(frames(one) for one in patterns)
    return reconstruct(np.frombuffer(drawn, np.int8).reshape(-1, 80))


def opened(content: bytes) -> soundfile.SoundFile:
    return soundfile.SoundFile(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_window_is_a_file_that_says_what_it_is(sound: SoundService, kind: str) -> None:
    made = sound.window(1, "Ada")
    assert file_name(made, kind).startswith("attic_2")
    with opened(as_bytes(made, kind)) as file:
        assert (file.format, file.subtype, file.samplerate, file.channels) == (
            kind.upper(),
            "PCM_16",
            16_000,
            1,
        )
        assert (file.read(dtype="int16") == pcm(0)).all()
        assert (file.title, file.artist) == ("sound", "attic")
        assert file.date.endswith("Z")
        assert "window 1" in file.comment
        assert "no recording" in file.comment


def test_the_label_of_a_detection_is_in_its_file(database: Database, audit: KeptAudit) -> None:
    heard = Heard(database)
    heard.node("attic")
    message = detection(5, boot=boot_of("attic"), label="=dog/../x")
    IngestService(database, NAMESPACE, now=lambda: NOW_S).store([incoming(message, "attic")])
    sound = SoundService(database, audit)
    with pytest.raises(UnknownWindowError, match="no window"):
        sound.detection(1, "Ada")
    heard.window(detection=5)
    made = sound.detection(1, "Ada")
    assert file_name(made, "wav").startswith("attic_dog-x_2")
    with opened(as_bytes(made, "wav")) as file:
        assert file.title == "=dog/../x"


def test_a_span_joins_windows_and_is_silent_between(sound: SoundService) -> None:
    made = sound.span("attic", DAY_AGO_S - 5, DAY_AGO_S + 100, "Ada")
    assert made.start_s == pytest.approx(DAY_AGO_S, abs=0.001)
    samples = np.concatenate(list(made.pieces))
    first, gap = int(2 * WINDOW_S * 16_000), (2 * 16_000)
    assert (samples[:first] == pcm(0, 1)).all()
    assert not samples[first : first + gap].any()
    assert (samples[first + gap :] == pcm(2)).all()


def test_a_span_may_begin_and_end_within_windows(sound: SoundService) -> None:
    made = sound.span("attic", DAY_AGO_S + 1, DAY_AGO_S + 3, "Ada")
    assert sum(piece.size for piece in made.pieces) == 100 * HOP_SAMPLES


def test_whoever_listens_is_recorded(sound: SoundService, audit: KeptAudit) -> None:
    sound.window(2, "Ada")
    sound.span("attic", DAY_AGO_S, DAY_AGO_S + 3, "Bob")
    assert [(who, action, details["node"]) for who, action, details in audit.kept] == [
        ("Ada", "listen", "attic"),
        ("Bob", "listen", "attic"),
    ]
    assert audit.kept[0][2]["what"] == "window 2"


def test_what_cannot_be_heard_is_said(sound: SoundService, audit: KeptAudit) -> None:
    with pytest.raises(UnknownWindowError, match="no window 9"):
        sound.window(9, "Ada")
    with pytest.raises(UnknownNodeError):
        sound.span("barn", 0, 10, "Ada")
    with pytest.raises(SoundError, match="nothing of this span"):
        sound.span("attic", 0, 10, "Ada")
    with pytest.raises(SoundError, match="at most 600 s"):
        sound.span("attic", 0, 601, "Ada", longest_s=600)
    with pytest.raises(SoundError, match="longer than nothing"):
        sound.span("attic", 10, 10, "Ada")
    assert audit.kept == []


def test_the_command_writes_files(heard: Heard, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--store-folder", str(tmp_path)]
    out = tmp_path / "sounds"
    out.mkdir()
    assert main(["export-audio", "--window", "1", "--out", str(out / "bark.flac"), *where]) == 0
    assert soundfile.info(out / "bark.flac").format == "FLAC"
    span = ["--since", str(DAY_AGO_S), "--until", str(DAY_AGO_S + 100)]
    assert main(["export-audio", "--node", "attic", *span, "--out", str(out), "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out.split("\n", 1)[1])
    assert [entry.action for entry in AuditService(heard.database).newest()] == ["listen", "listen"]
    assert soundfile.info(told["path"]).duration == pytest.approx(8)
    assert sorted(path.suffix for path in out.iterdir()) == [".flac", ".wav"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--window", "9"], "there is no window 9"),
        (["--window", "1", "--out", "bark.mp3"], "ends with .wav or .flac"),
        (["--window", "1", "--out", "absent/bark.wav"], "cannot be written"),
        (["--node", "attic"], "--node needs --since"),
        (["--node", "attic", "--since", "0", "--until", "1e9"], "--until"),
    ],
)
def test_what_the_command_cannot_do_is_said(
    heard: Heard, tmp_path: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export-audio", *words, "--store-folder", str(tmp_path)]) == 1
    assert says in capsys.readouterr().err
