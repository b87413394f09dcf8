"""Capture: files at their pace, inputs that are lost, flat, too fast; streams from the network."""

import functools
import http.server
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.capture import Block, Ended, Listener, Lost, Watch, decode, make_source, sound_files
from edge_agent.capture.decoding import _wav_frames
from edge_agent.capture.files import FileSource
from edge_agent.capture.network import NetworkStream
from edge_agent.capture.standard_input import StandardInput
from edge_agent.errors import CaptureError
from edge_agent.settings import InputSettings
from tests.edge_agent.conftest import noise
from tests.waiting import wait_until

MakeWav = Callable[..., Path]


def read_all(source: FileSource) -> list[Block]:
    source.open()
    blocks = []
    while (block := source.read()) is not None:
        blocks.append(block)
    source.close()
    return blocks


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
@pytest.mark.parametrize(("rate_hz", "channels"), [(16_000, 1), (44_100, 2), (8_000, 1)])
def test_every_format_becomes_ours(make_wav: MakeWav, name: str, rate_hz: int, channels: int) -> None:
    path = make_wav(name, 1.0, rate_hz, channels)
    pieces = list(decode(path))
    assert sum(map(len, pieces)) == pytest.approx(16_000, abs=2)
    assert all(piece.dtype == np.int16 for piece in pieces)


def test_opus_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.opus"
    soundfile.write(path, noise(1), 16_000, format="OGG", subtype="OPUS")
    assert sum(map(len, decode(path))) == pytest.approx(16_000, abs=400)


@given(st.binary(max_size=300))
def test_no_header_makes_the_counting_fail(content: bytes) -> None:
    assert _wav_frames(b"RIFF....WAVE" + content, 100, 7) >= 0


def test_a_folder_is_taken_sorted_and_deep_and_only_its_sounds(make_wav: MakeWav) -> None:
    second, first = make_wav("b.wav"), make_wav("a.flac")
    (first.parent / "notes.txt").write_text("no sound")
    deep = first.parent / "c" / "d.wav"
    deep.parent.mkdir()
    deep.write_bytes(second.read_bytes())
    assert sound_files(first.parent) == [first, second, deep]
    (first.parent / "empty").mkdir()
    with pytest.raises(CaptureError, match="no sound files"):
        sound_files(first.parent / "empty")


def test_fast_files_follow_the_clock_of_the_sound(make_wav: MakeWav) -> None:
    make_wav("a.wav", 1.0)
    folder = make_wav("b.wav", 0.5).parent
    blocks = read_all(FileSource(folder, fast=True, loop=False, pause_s=0.25))
    total = sum(len(block.samples) for block in blocks)
    assert total == round(16_000 * (1.0 + 0.25 + 0.5 + 0.25))
    assert blocks[-1].captured_s - blocks[0].captured_s == pytest.approx(
        (total - len(blocks[0].samples)) / 16_000
    )


def test_live_files_come_when_they_would_be_heard(make_wav: MakeWav) -> None:
    begun_s = time.time()
    blocks = read_all(FileSource(make_wav("a.wav", 0.6), fast=False, loop=False, pause_s=0))
    heard = 0
    for block in blocks:
        heard += len(block.samples)
        assert block.captured_s >= begun_s + heard / 16_000
    assert time.time() >= blocks[-1].captured_s


def test_a_loop_begins_again_and_a_broken_file_ends_nothing(make_wav: MakeWav) -> None:
    make_wav("a.wav", 0.1)
    broken = make_wav("b.wav")
    broken.write_bytes(b"junk")
    source = FileSource(broken.parent, fast=True, loop=True, pause_s=0)
    source.open()
    assert sum(len(block.samples) for block in (source.read() for _ in range(20)) if block) > 3 * 1600
    broken.with_name("a.wav").write_bytes(b"junk")
    while source.read() is not None:
        pass


class Script:
    """A source that plays what it is told: blocks, losses, errors, and the end."""

    def __init__(self, *acts: object, live: bool = False) -> None:
        self.live = live
        self._acts = iter(acts)
        self.opened = 0

    def open(self) -> None:
        self.opened += 1

    def read(self) -> Block | Lost | None:
        act = next(self._acts, None)
        if isinstance(act, Exception):
            raise act
        assert act is None or isinstance(act, Block | Lost)
        return act

    def close(self) -> None:
        pass


def a_block(at_s: float = 1.0) -> Block:
    return Block(samples=np.zeros(640, np.int16), captured_s=at_s)


def heard(listener: Listener) -> Iterator[object]:
    while (item := listener.get(5)) is not None:
        yield item
        if isinstance(item, Ended):
            return


def test_an_input_that_is_lost_is_opened_again_and_the_hole_is_told() -> None:
    source = Script(a_block(10), CaptureError("unplugged"), OSError("worse"), a_block(20), None)
    listener = Listener(source, clock=lambda: 21.0)
    listener.start()
    items = list(heard(listener))
    assert [type(item) for item in items] == [Block, Lost, Block, Ended]
    lost = items[1]
    assert isinstance(lost, Lost)
    assert (lost.reason, lost.start_s, lost.end_s) == ("input_lost", 10, 21)
    assert source.opened == listener.attempts == 3
    assert listener.problem == ""


def test_what_a_live_input_gives_too_fast_is_counted_and_told() -> None:
    blocks = [a_block(index * 0.04) for index in range(150)]
    listener = Listener(Script(*blocks, live=True))
    listener.start()
    wait_until(lambda: listener.overruns == 101, timeout_s=10)  # the end did not fit either
    taken = [listener.get(1) for _ in range(50)]
    assert all(isinstance(item, Block) for item in taken)


def test_what_is_not_live_waits() -> None:
    blocks = [a_block(index) for index in range(300)]
    listener = Listener(Script(*blocks))
    listener.start()
    time.sleep(0.3)
    assert len([item for item in heard(listener) if isinstance(item, Block)]) == 300
    assert listener.overruns == 0


def test_the_watch_tells_hearing_from_flat_from_stopped() -> None:
    watch = Watch(0.0)
    assert watch.state(1) == "starting"
    watch.feed(noise(0.1), 1)
    assert watch.state(1) == "hearing"
    for second in range(2, 8):
        watch.feed(np.full(16_000, -3, np.int16), second)
    assert watch.state(7) == "flat"
    watch.feed(noise(0.1), 8)
    assert watch.state(8) == "hearing"
    assert watch.state(11.1) == "stopped"
    watch.end()
    assert watch.state(99) == "ended"


def test_levels_that_change_in_steps_are_not_flat() -> None:
    watch = Watch(0.0)
    for second in range(20):
        watch.feed(np.full(16_000, second, np.int16), second)
    assert watch.state(20) == "hearing"


def test_standard_input_takes_odd_pieces_and_ends() -> None:
    reading, writing = os.pipe()
    source = StandardInput(reading)
    source.open()
    content = noise(0.1).tobytes()
    os.write(writing, content[:101])
    first = source.read()
    os.write(writing, content[101:])
    os.close(writing)
    blocks = [first]
    while (block := source.read()) is not None:
        blocks.append(block)
    os.close(reading)
    assert b"".join(block.samples.tobytes() for block in blocks if block) == content


@pytest.fixture
def web_server(make_wav: MakeWav) -> Iterator[str]:
    """The address of a sound on a server of the test's own."""
    path = make_wav("a.flac", 1.0, 44_100, 2)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(path.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/a.flac"
        server.shutdown()


def test_a_stream_from_the_network_is_heard_and_its_end_is_a_loss(web_server: str) -> None:
    pytest.importorskip("av")
    source = NetworkStream(web_server)
    source.open()
    sound: list[Block | None] = []
    with pytest.raises(CaptureError, match="the stream has ended"):
        sound.extend(iter(source.read, None))
    source.close()
    assert sum(len(block.samples) for block in sound if block) == pytest.approx(16_000, abs=200)


def test_a_stream_that_is_not_there_is_told_without_its_password() -> None:
    pytest.importorskip("av")
    source = NetworkStream("http://user:secret@127.0.0.1:9/x")
    with pytest.raises(CaptureError) as caught:
        source.open()
    assert "secret" not in str(caught.value)


def test_the_settings_choose_the_source(make_wav: MakeWav) -> None:
    assert isinstance(make_source(InputSettings(source="files", path=make_wav())), FileSource)
    assert isinstance(make_source(InputSettings(source="stdin")), StandardInput)
    assert isinstance(make_source(InputSettings(source="stream", url="http://x")), NetworkStream)
    with pytest.raises(CaptureError, match="no such file"):
        make_source(InputSettings(source="files", path=Path("none")))
