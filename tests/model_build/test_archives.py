"""Public data sets arrive whole or not at all, whatever the line, the server and the archive do."""

import dataclasses
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from model_build.__main__ import main
from model_build.archives import contents, download, fetch
from model_build.archives.archive import ARCHIVES, Archive
from model_build.archives.unpack import unpack
from model_build.errors import DatasetError
from tests.conftest import ROOT
from tests.model_build.archive_server import ArchiveServer, Behaviour
from tests.model_build.sounds import babble
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is on this machine, whatever lies between it and the world."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def packed() -> bytes:
    return tar_of({"./yes/a.txt": b"a" * 100, "./no/b.txt": os.urandom(1_500_000)})


@pytest.fixture
def server(packed: bytes) -> Iterator[ArchiveServer]:
    with ArchiveServer(Behaviour(content=packed)) as running:
        yield running


def tar_of(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in others:
            tar.addfile(info)
    return file.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return file.getvalue()


def archive_of(content: bytes) -> Archive:
    return Archive(
        name="small",
        title="A small set",
        licence="none",
        url="https://nowhere.invalid/",
        file_name="small.tar.gz",
        size_bytes=len(content),
        about_bytes=len(content),
        unpacked_bytes=2_000_000,
        sha256=hashlib.sha256(content).hexdigest(),
        folder="small",
        check=lambda folder: None,
    )


def quiet(_what: str, _done: int, _total: int) -> None:
    pass


def get(server: ArchiveServer, target: Path, *, size: int | None = None) -> list[float]:
    waits: list[float] = []
    download.download(server.url, target, size, lambda _have: None, waits.append)
    return waits


def test_a_data_set_becomes_a_folder_and_a_second_call_does_nothing(
    server: ArchiveServer, packed: bytes, tmp_path: Path
) -> None:
    archive = archive_of(packed)
    fetched = fetch.fetch(archive, tmp_path, quiet, server.url)
    assert (fetched.folder / "yes" / "a.txt").read_bytes() == b"a" * 100
    assert not fetched.was_there
    assert [path.name for path in tmp_path.iterdir()] == ["small"]
    assert fetch.fetch(archive, tmp_path, quiet, server.url).was_there
    assert len(server.behaviour.asked) == 1


def test_a_dropped_connection_is_continued_where_it_ended(
    server: ArchiveServer, packed: bytes, tmp_path: Path
) -> None:
    server.behaviour.drop_after = [400_000, 300_000]
    waits = get(server, tmp_path / "file", size=len(packed))
    assert (tmp_path / "file").read_bytes() == packed
    assert server.behaviour.asked == [None, "bytes=400000-", "bytes=700000-"]
    assert waits == [1.0, 1.0]


@pytest.mark.parametrize("change", [{"ranges": False}, {"etag": None}])
def test_without_ranges_or_a_version_it_begins_again(
    server: ArchiveServer, packed: bytes, tmp_path: Path, change: dict[str, object]
) -> None:
    for name, value in change.items():
        setattr(server.behaviour, name, value)
    server.behaviour.drop_after = [400_000]
    get(server, tmp_path / "file", size=len(packed))
    assert (tmp_path / "file").read_bytes() == packed


def test_a_file_that_changed_meanwhile_is_fetched_anew(
    server: ArchiveServer, packed: bytes, tmp_path: Path
) -> None:
    server.behaviour.drop_after = [400_000]
    server.behaviour.refuse = []
    part = tmp_path / "file.part"
    part.write_bytes(b"of the old version")
    (tmp_path / "file.part.json").write_text(f'{{"url": "{server.url}", "version": "\\"zero\\""}}')
    get(server, tmp_path / "file", size=len(packed))
    assert (tmp_path / "file").read_bytes() == packed


def test_a_part_of_another_address_or_without_a_note_is_not_continued(
    server: ArchiveServer, packed: bytes, tmp_path: Path
) -> None:
    (tmp_path / "file.part").write_bytes(b"nobody knows of what")
    for note in (b"\xff", b"[]", b'{"url": "http://other", "version": "x"}'):
        (tmp_path / "file.part.json").write_bytes(note)
        get(server, tmp_path / "file", size=len(packed))
        assert (tmp_path / "file").read_bytes() == packed


def test_passing_faults_are_waited_out_with_growing_pauses(server: ArchiveServer, tmp_path: Path) -> None:
    server.behaviour.refuse = [503, 429, 502]
    assert get(server, tmp_path / "file") == [1.0, 2.0, 4.0]


def test_it_gives_up_after_a_while_and_says_so(server: ArchiveServer, tmp_path: Path) -> None:
    server.behaviour.refuse = [503] * 20
    with pytest.raises(DatasetError, match="gave up after 6 tries"):
        get(server, tmp_path / "file")


def test_a_missing_file_is_final(server: ArchiveServer, tmp_path: Path) -> None:
    server.behaviour.refuse = [404]
    with pytest.raises(DatasetError, match="404"):
        get(server, tmp_path / "file")
    assert len(server.behaviour.asked) == 1


def test_another_length_is_refused_before_it_is_fetched(server: ArchiveServer, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="instead of 5"):
        get(server, tmp_path / "file", size=5)


def test_a_wrong_digest_is_refused_and_the_file_removed(
    server: ArchiveServer, packed: bytes, tmp_path: Path
) -> None:
    other = dataclasses.replace(archive_of(packed), sha256="0" * 64)
    with pytest.raises(DatasetError, match="SHA-256"):
        fetch.fetch(other, tmp_path, quiet, server.url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "/etc/passwd"])
def test_only_the_web_is_fetched_from(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="https://"):
        download.download(url, tmp_path / "file", None, lambda _have: None)


def test_a_redirect_must_not_leave_tls() -> None:
    import urllib.request

    request = urllib.request.Request("https://host.invalid/a")
    with pytest.raises(DatasetError, match="not encrypted"):
        download._NoDowngrade().redirect_request(
            request, io.BytesIO(), 302, "", None, "http://host.invalid/b"
        )


def test_a_copy_that_lies_there_already_is_used(packed: bytes, tmp_path: Path) -> None:
    (tmp_path / "small.tar.gz").write_bytes(packed)
    assert fetch.fetch(archive_of(packed), tmp_path, quiet).folder.is_dir()


def test_a_full_disk_is_noticed_before(server: ArchiveServer, packed: bytes, tmp_path: Path) -> None:
    large = dataclasses.replace(archive_of(packed), unpacked_bytes=10**18)
    with pytest.raises(DatasetError, match="are free"):
        fetch.fetch(large, tmp_path, quiet, server.url)
    assert server.behaviour.asked == []


def test_a_folder_that_is_something_else_is_left_alone(packed: bytes, tmp_path: Path) -> None:
    def refuse(folder: Path) -> None:
        raise DatasetError("is empty")

    (tmp_path / "small").mkdir()
    with pytest.raises(DatasetError, match="move it away"):
        fetch.fetch(dataclasses.replace(archive_of(packed), check=refuse), tmp_path, quiet)
    assert (tmp_path / "small").is_dir()


def test_two_downloads_do_not_write_one_file(server: ArchiveServer, tmp_path: Path) -> None:
    with download._alone(tmp_path / "file.part"), pytest.raises(DatasetError, match="another download"):
        get(server, tmp_path / "file")


CHILD = """
import signal
import sys
from pathlib import Path
from model_build.archives.download import download
# A shell that starts something in the background has it ignore this.
signal.signal(signal.SIGINT, signal.default_int_handler)
download(sys.argv[1], Path(sys.argv[2]), None, lambda have: None)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_killed_leaves_a_part_that_is_continued(
    server: ArchiveServer, packed: bytes, tmp_path: Path, how: signal.Signals
) -> None:
    server.behaviour.pause_s = 0.1
    target, part = tmp_path / "file", tmp_path / "file.part"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, server.url, str(target)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: part.exists() and part.stat().st_size >= 1 << 18, "the download runs")
        child.send_signal(how)
        assert child.wait(20) != 0
    finally:
        child.kill()
        child.wait()
    have = part.stat().st_size
    assert 0 < have < len(packed)
    server.behaviour.pause_s = 0.0
    get(server, target, size=len(packed))
    assert target.read_bytes() == packed
    assert server.behaviour.asked[-1] == f"bytes={have}-"


def link(name: str, kind: bytes, to: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@pytest.mark.parametrize(
    ("file_name", "content"),
    [
        ("a.tar.gz", tar_of({"../evil": b"x"})),
        ("a.tar.gz", tar_of({"/tmp/evil": b"x"})),
        ("a.tar.gz", tar_of({"a/../../evil": b"x"})),
        ("a.tar.gz", tar_of({}, link("evil", tarfile.SYMTYPE, "/etc/passwd"))),
        ("a.tar.gz", tar_of({}, link("evil", tarfile.LNKTYPE, "../x"))),
        ("a.tar.gz", tar_of({}, link("evil", tarfile.CHRTYPE, ""))),
        ("a.zip", zip_of({"../evil": b"x"})),
        ("a.zip", zip_of({"a\\..\\evil": b"x"})),
        ("a.zip", zip_of({"/evil": b"x"})),
    ],
)
def test_evil_members_are_refused_and_named(file_name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / file_name).write_bytes(content)
    with pytest.raises(DatasetError, match="evil"):
        list(unpack(tmp_path / file_name, tmp_path / "out", 10**6))
    assert not (tmp_path / "evil").exists()


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("evil")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(info, "/etc/passwd")
    with pytest.raises(DatasetError, match="evil"):
        list(unpack(tmp_path / "a.zip", tmp_path / "out", 10**6))


def test_what_unpacks_to_too_much_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of({"bomb": bytes(50_000_000)}))
    with pytest.raises(DatasetError, match="more than 1 MB"):
        list(unpack(tmp_path / "a.zip", tmp_path / "out", 10**6))
    assert (tmp_path / "out" / "bomb").stat().st_size <= 10**6


@pytest.mark.parametrize("file_name", ["a.zip", "a.tar.gz"])
def test_a_broken_archive_is_named(file_name: str, tmp_path: Path, packed: bytes) -> None:
    whole = packed if file_name != "a.zip" else zip_of({"a": os.urandom(10_000)})
    for content in (b"", b"nothing", whole[: len(whole) // 2], whole[:50] + bytes(50) + whole[100:]):
        (tmp_path / file_name).write_bytes(content)
        with pytest.raises(DatasetError, match=file_name):
            list(unpack(tmp_path / file_name, tmp_path / f"out{len(content)}{content[-1:].hex()}", 10**7))


def esc50_like(folder: Path) -> None:
    (folder / "meta").mkdir(parents=True)
    (folder / "audio").mkdir()
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    clip = babble(1, 5.0)
    for index in range(10):
        soundfile.write(folder / "audio" / f"{index}.wav", clip, 16_000)
        rows.append(f"{index}.wav,{index % 5 + 1},0,{'dog' if index < 5 else 'cat'},True,{index},A")
    (folder / "meta" / "esc50.csv").write_text("\n".join(rows))


def test_the_contents_of_esc50_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "ESC50_CLIPS", 10)
    monkeypatch.setattr(contents, "ESC50_CLASSES", 2)
    esc50_like(tmp_path)
    contents.check_esc50(tmp_path)
    soundfile.write(tmp_path / "audio" / "3.wav", babble(1, 2.0), 16_000)
    with pytest.raises(DatasetError, match=r"3\.wav.*2\.00 s"):
        contents.check_esc50(tmp_path)
    (tmp_path / "audio" / "3.wav").unlink()
    with pytest.raises(DatasetError, match=r"3\.wav"):
        contents.check_esc50(tmp_path)
    (tmp_path / "meta" / "esc50.csv").write_text("filename,fold,category\n1.wav,1,dog\n")
    with pytest.raises(DatasetError, match="has 1 clips"):
        contents.check_esc50(tmp_path)


def test_a_zip_with_a_folder_around_is_checked_and_lifted_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "ESC50_CLIPS", 10)
    monkeypatch.setattr(contents, "ESC50_CLASSES", 2)
    esc50_like(tmp_path / "made")
    files = {
        f"ESC-50-master/{path.relative_to(tmp_path / 'made')}": path.read_bytes()
        for path in (tmp_path / "made").rglob("*")
        if path.is_file()
    }
    with ArchiveServer(Behaviour(content=zip_of(files), length=False, etag=None)) as server:
        archive = dataclasses.replace(ARCHIVES["esc50"], about_bytes=10**6, unpacked_bytes=10**7)
        folder = fetch.fetch(archive, tmp_path / "data", quiet, server.url).folder
    assert (folder / "meta" / "esc50.csv").is_file()
    assert folder.name == "ESC-50-master"


def test_speech_commands_are_recognised_by_their_words(tmp_path: Path) -> None:
    for index in range(35):
        (tmp_path / f"word{index}").mkdir()
    with pytest.raises(DatasetError, match="no validation_list"):
        contents.check_speech_commands(tmp_path)
    (tmp_path / "_background_noise_").mkdir()
    for name in ("validation_list.txt", "testing_list.txt"):
        (tmp_path / name).touch()
    contents.check_speech_commands(tmp_path)


def test_the_command_names_what_went_wrong(
    server: ArchiveServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["data", "speech-commands", "--into", str(tmp_path / "data"), "--url", server.url]
    assert main(arguments) == 1
    message = capsys.readouterr().err
    assert "2428923189" in message or "are free" in message
    assert main(["data", "esc50", "--into", str(tmp_path), "--url", "file:///etc/passwd"]) == 1
