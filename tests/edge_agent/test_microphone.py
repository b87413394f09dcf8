"""The microphone for real: a sound server plays, PortAudio records; and how a card is chosen."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_agent.errors import SoundCardError
from edge_agent.sound_card import Device, choose, usb_id_of
from tests.edge_agent.agent_process import AGENT
from tests.edge_agent.sound_server import SoundServer
from tests.waiting import wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SoundServer]:
    sound_server = SoundServer(tmp_path)
    sound_server.start()
    yield sound_server
    sound_server.kill()


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """Three seconds of 1 kHz, a quarter of full scale, stereo at 44.1 kHz."""
    times = np.arange(3 * 44_100) / 44_100
    sound = 0.25 * np.sin(2 * np.pi * 1000 * times)
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.stack([sound, sound], axis=1), 44_100)
    return path


RECORD = """
import sys, json, numpy as np
from edge_agent.capture import make_source
from edge_agent.settings import InputSettings
source = make_source(InputSettings(device="pulse", channels=int(sys.argv[1])))
source.open()
print("open", flush=True)
blocks = [source.read() for _ in range(int(3 / 0.08))]
source.close()
sound = np.concatenate([block.samples for block in blocks]).astype(float)
loud = sound[np.abs(sound) > 1000]
spectrum = np.abs(np.fft.rfft(sound))
print(json.dumps({"samples": len(sound), "peak": float(np.abs(sound).max()),
                  "hz": float(spectrum.argmax() * 16000 / len(sound)),
                  "seconds": blocks[-1].captured_s - blocks[0].captured_s}))
"""


@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_played_is_recorded(server: SoundServer, tone: Path, channels: int) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", RECORD, str(channels)], env=server.environment,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    server.play(tone)
    heard = json.loads(child.communicate(timeout=30)[0])
    assert heard["hz"] == pytest.approx(1000, abs=2)
    assert heard["peak"] == pytest.approx(0.25 * 32768, rel=0.1)
    assert heard["samples"] == pytest.approx(3 * 16_000, rel=0.02)
    assert heard["seconds"] == pytest.approx(3, abs=0.5)


def test_devices_are_listed(server: SoundServer) -> None:
    done = subprocess.run(
        [*AGENT, "devices", "--json"], env=server.environment, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0
    assert "pulse" in [json.loads(line)["name"] for line in done.stdout.splitlines()]


def test_a_card_that_is_unplugged_is_opened_again(
    server: SoundServer, tone: Path, keywords: Path, tmp_path: Path
) -> None:
    log = (tmp_path / "agent.log").open("wb")
    arguments = [
        "--node-state",
        str(tmp_path / "state"),
        "--model-bundle",
        str(keywords),
        "--broker-host",
        "",
    ]
    with log:
        agent = subprocess.Popen(
            [*AGENT, "run", *arguments, "--input-device", "pulse", "--health-log-format", "json"],
            env=server.environment, stderr=log,
        )  # fmt: skip

    def events() -> list[dict[str, object]]:
        lines = (tmp_path / "agent.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def states() -> list[object]:
        return [event["state"] for event in events() if event["event"] == "input"]

    try:
        wait_until(lambda: states()[-1:] == ["hearing"], timeout_s=20)
        server.kill()
        wait_until(lambda: states()[-1:] == ["stopped"], timeout_s=20)
        server.start()
        wait_until(lambda: states()[-1:] == ["hearing"], timeout_s=30)
        [missing] = [event for event in events() if event["event"] == "sound is missing"]
        assert missing["reason"] == "input_lost"
        agent.terminate()
        assert agent.wait(10) == 0
    finally:
        agent.kill()
        agent.wait(10)


def a_device(index: int, name: str, usb_id: str = "", *, is_default: bool = False) -> Device:
    return Device(index=index, name=name, channels=1, rate_hz=48_000, usb_id=usb_id, is_default=is_default)


DEVICES = [
    a_device(0, "HDA Intel (hw:0,0)"),
    a_device(1, "USB PnP Sound Device (hw:1,0)", "0d8c:0014"),
    a_device(2, "default", is_default=True),
]


@pytest.mark.parametrize(
    ("name", "usb_id", "index"),
    [("", "", 2), ("usb pnp", "", 1), ("", "0D8C:0014", 1), ("intel", "0d8c:0014", 1)],
)
def test_a_card_is_chosen_by_usb_id_then_name_then_default(name: str, usb_id: str, index: int) -> None:
    assert choose(DEVICES, name, usb_id).index == index


def test_a_card_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(SoundCardError, match="no microphone named 'yeti'; there is: HDA Intel"):
        choose(DEVICES, "yeti", "")
    with pytest.raises(SoundCardError, match="no microphone at all; there is: none"):
        choose([], "", "")


def test_the_usb_id_is_found_through_the_card_number(tmp_path: Path) -> None:
    (tmp_path / "card3").mkdir()
    (tmp_path / "card3" / "usbid").write_text("0D8C:0014\n")
    assert usb_id_of("USB PnP (hw:3,0)", tmp_path) == "0d8c:0014"
    assert usb_id_of("USB PnP (hw:4,0)", tmp_path) == ""
    assert usb_id_of("default", tmp_path) == ""
