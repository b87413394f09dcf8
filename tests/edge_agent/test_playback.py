"""What is said elsewhere is played: in order, in time, never a backlog; and a real loudspeaker."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contract.audio import RATE_HZ
from contract.codec.speech import SpeechEncoder
from contract.errors import ContractError
from contract.jitter import MOST_MS
from contract.live import SEQUENCES, SoundPacket
from contract.voice import Heard
from edge_agent.errors import PlaybackError
from edge_agent.playback import Playing, make_sink
from edge_agent.playback.sink import AHEAD_S, Nowhere
from edge_agent.playback.voicing import Voicing
from edge_agent.settings import TalkSettings
from tests.edge_agent.sound_server import SoundServer
from tests.waiting import wait_until

Pcm = NDArray[np.int16]
SESSION = "0a1b2c3d"


def a_tone(seconds: float, hz: float = 440.0) -> Pcm:
    return np.asarray(8000 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ), np.int16)


def packets_of(sound: Pcm, codec: str = "15k", first: int = 0) -> list[SoundPacket]:
    return [
        SoundPacket(
            session=SESSION, codec=codec, sequence=(first + number) % SEQUENCES,
            captured_ms=1000 + 20 * number, payload=payload,
        )
        for number, payload in enumerate(SpeechEncoder(codec, 20).push(sound))
    ]  # fmt: skip


class Gathering:
    """A sink that keeps what it is given, at once, and can be held back."""

    latency_s = 0.0

    def __init__(self) -> None:
        self.pieces: list[Pcm] = []
        self.opened = self.closed = 0
        self.room = threading.Semaphore(0)

    def open(self) -> None:
        self.opened += 1

    def play(self, samples: Pcm) -> None:
        assert self.room.acquire(timeout=20)
        self.pieces.append(samples)

    def close(self) -> None:
        self.closed += 1


class Broken(Gathering):
    def open(self) -> None:
        raise PlaybackError("no loudspeaker at all; there is: none")


@given(events=st.lists(st.one_of(st.none(), st.integers(0, 99)), max_size=60))
@settings(max_examples=20, deadline=None)
def test_whatever_comes_a_packets_worth_of_sound_is_played_each_time(events: list[int | None]) -> None:
    voicing, packets = Voicing("15k", 20), packets_of(a_tone(2.0))
    for event in events:
        if event is None:
            assert voicing.take().samples.size % 320 == 0
            assert voicing.waiting_ms <= MOST_MS
        else:
            voicing.put(packets[event])
    assert voicing.finish().size % 320 == 0


def test_packets_that_are_none_are_made_up_for() -> None:
    voicing, packets = Voicing("15k", 20), packets_of(a_tone(1.0))
    for number, packet in enumerate(packets):
        bad = SoundPacket(**{**packet.to_plain(), "payload": b"\xff" * 9}) if number == 20 else packet
        voicing.put(bad)
        assert voicing.take().samples.size == 320


def test_packets_of_another_codec_than_agreed_on_are_not_heard() -> None:
    voicing = Voicing("15k", 20)
    for packet in packets_of(a_tone(1.0), "8k"):
        voicing.put(packet)
        assert not voicing.take().samples.any()


def test_a_turn_is_played_and_told() -> None:
    sink, told = Gathering(), list[Heard]()
    playing = Playing(SESSION, "15k", 20, sink, told.append)
    packets = packets_of(a_tone(1.0))
    playing.start()
    for number, packet in enumerate(packets):
        playing.put(packet)
        sink.room.release()
        wait_until(lambda now=number: len(sink.pieces) > now, "it is played")  # type: ignore[misc]
    playing.end()
    sink.room.release(40)
    wait_until(lambda: playing.over, "the end")
    assert (sink.opened, sink.closed) == (1, 1)
    sound = np.concatenate(sink.pieces)
    assert np.abs(sound.astype(float)).max() > 2000
    last = told[-1]
    assert (last.session, last.ended, last.refused) == (SESSION, True, "")
    assert (last.played, last.lost, last.late) == (len(packets), 0, 0)
    assert last.captured_ms is not None
    assert last.captured_ms > 1000


def test_a_speaker_who_vanishes_ends_the_turn() -> None:
    told = list[Heard]()
    playing = Playing(SESSION, "15k", 20, Nowhere(), told.append)
    playing.start()
    wait_until(lambda: playing.over, "the end")
    assert told[-1].ended
    assert told[-1].captured_ms is None


def test_a_loudspeaker_that_is_missing_is_told() -> None:
    told = list[Heard]()
    playing = Playing(SESSION, "15k", 20, Broken(), told.append)
    playing.start()
    wait_until(lambda: playing.over, "the end")
    assert told == [Heard(session=SESSION, refused="no loudspeaker at all; there is: none", ended=True)]


def test_turns_are_added_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "played.wav"
    for hz in (440, 880):
        sink = make_sink(TalkSettings(output="file", path=path))
        sink.open()
        sink.play(a_tone(0.1, hz))
        sink.close()
    sound, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == RATE_HZ
    assert np.array_equal(sound, np.concatenate([a_tone(0.1, 440), a_tone(0.1, 880)]))


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    sink = make_sink(TalkSettings(output="file", path=tmp_path / "absent" / "played.wav"))
    with pytest.raises(PlaybackError, match="cannot be written"):
        sink.open()


def test_without_a_loudspeaker_time_passes_all_the_same() -> None:
    sink = make_sink(TalkSettings(output="nowhere"))
    assert isinstance(sink, Nowhere)
    sink.open()
    begun_s = time.monotonic()
    for _ in range(10):
        sink.play(a_tone(0.02))
    assert time.monotonic() - begun_s >= 0.2 - 2 * AHEAD_S
    sink.close()


@pytest.mark.parametrize("wrong", [{"output": "file"}, {"usb_id": "0d8c"}, {"volume": 2}, {"output": "hdmi"}])
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        TalkSettings(**wrong)  # type: ignore[arg-type]


def test_nobody_is_heard_unless_the_owner_says_so() -> None:
    assert not TalkSettings().allowed


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SoundServer]:
    sound_server = SoundServer(tmp_path)
    sound_server.start()
    yield sound_server
    sound_server.kill()


PLAY = """
import sys, numpy as np
from edge_agent.capture import make_source
from edge_agent.playback import make_sink
from edge_agent.settings import InputSettings, TalkSettings
sink = make_sink(TalkSettings(device="pulse", volume=0.5))
sink.open()
tone = (16000 * np.sin(2 * np.pi * 440 * np.arange(320) / 16000)).astype(np.int16)
for _ in range(40):
    sink.play(tone)
if sys.argv[1] == "replug":
    # A microphone that is opened makes PortAudio look anew for cards, while the loudspeaker plays.
    source = make_source(InputSettings(device="pulse"))
    source.open()
    for _ in range(20):
        sink.play(tone)
    source.read()
    source.close()
for _ in range(60):
    sink.play(tone)
sink.close()
print("played", sink.latency_s)
"""


@pytest.mark.parametrize("how", ["alone", "replug"])
def test_a_real_loudspeaker_plays(server: SoundServer, tmp_path: Path, how: str) -> None:
    recording = tmp_path / "heard.wav"
    recorder = subprocess.Popen(
        ["parecord", "-d", "virt.monitor", "--rate=16000", "--channels=1", "--format=s16le",
         "--file-format=wav", str(recording)],
        env=server.environment, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(lambda: recording.exists() and recording.stat().st_size > 1000, "it records")
        done = subprocess.run(
            [sys.executable, "-c", PLAY, how], env=server.environment, capture_output=True, text=True,
            timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert float(done.stdout.split()[1]) < 0.5
        size = recording.stat().st_size
        wait_until(lambda: recording.stat().st_size > size + 8000, "it records the end")
    finally:
        recorder.terminate()
        recorder.wait(10)
    raw = np.frombuffer(recording.read_bytes()[44:], "<i2")
    loud = raw[np.abs(raw.astype(int)) > 50]
    assert loud.size > RATE_HZ
    assert np.abs(raw.astype(int)).max() == pytest.approx(8000, rel=0.15)
    spectrum = np.abs(np.fft.rfft(raw.astype(float)))
    assert spectrum.argmax() * RATE_HZ / raw.size == pytest.approx(440, abs=12)


def test_loudspeakers_are_listed(server: SoundServer) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent", "devices", "--outputs", "--json"], env=server.environment,
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0
    assert "pulse" in [json.loads(line)["name"] for line in done.stdout.splitlines()]
