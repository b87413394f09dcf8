"""Speaks the words of docs/tutorial-your-own-sounds.md with voices of espeak-ng, and makes background.

    python deploy/make_tutorial_sounds.py --into wake/clips

Needs espeak-ng on the path. The same program gives the same sounds.
"""

import argparse
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

WORDS = ("computer", "lights", "stop")
OTHER_WORDS = (
    "commuter", "compute", "nights", "light", "rights", "top", "step", "shop", "water", "window",
    "morning", "seven", "table", "paper", "yellow", "music", "kitchen", "never", "hello", "garden",
)  # fmt: skip
VOICES = (
    "en-us+m1", "en-us+m3", "en-us+m7", "en-us+f2", "en-us+f4",
    "en-gb-scotland+m2", "en-gb-scotland+f1", "en-gb-x-rp+m4", "en-gb-x-rp+f5", "en-029+f3",
)  # fmt: skip
"""Not en-gb: espeak-ng drops what follows it, and all its voices are one."""
SPEEDS_WPM = (130, 165)
PITCHES = (35, 65)
RATE_HZ = 22_050
"""As espeak-ng speaks."""
NOISE_S = 30.0


def say(path: Path, word: str, voice: str, speed_wpm: int, pitch: int) -> None:
    """Write one word."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed_wpm), "-p", str(pitch), "-w", str(path), word]
    subprocess.run(command, check=True, capture_output=True)


def noise(seconds: float, exponent: float, seed: int) -> npt.NDArray[np.float64]:
    """Noise whose amplitude falls with frequency to the power of ``exponent``, RMS 0.01."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.standard_normal(round(seconds * RATE_HZ)))
    spectrum *= np.maximum(1.0, np.arange(spectrum.size)) ** -exponent
    sound = np.fft.irfft(spectrum)
    return np.asarray(0.01 * sound / np.sqrt(np.mean(sound**2)))


def speaker(voice: str) -> str:
    """The voice as the beginning of a file's name; an underscore ends it there.

    >>> speaker("en-us+m1")
    'en-us-m1'
    """
    return voice.replace("+", "-")


def main() -> None:
    """Write everything into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--into", type=Path, required=True, help="folder clips/ of the project")
    folder = parser.parse_args().into
    takes = [(voice, speed, pitch) for voice in VOICES for speed in SPEEDS_WPM for pitch in PITCHES]
    for word in WORDS:
        (folder / word).mkdir(parents=True, exist_ok=True)
        for voice, speed, pitch in takes:
            say(folder / word / f"{speaker(voice)}_{speed}_{pitch}.wav", word, voice, speed, pitch)
    (folder / "_unknown_").mkdir(parents=True, exist_ok=True)
    for index, word in enumerate(OTHER_WORDS):
        for voice, speed, pitch in takes[index % len(SPEEDS_WPM) :: 4]:
            say(folder / "_unknown_" / f"{speaker(voice)}_{word}.wav", word, voice, speed, pitch)
    (folder / "_background_noise_").mkdir(parents=True, exist_ok=True)
    for index, (name, exponent) in enumerate((("hiss", 0.0), ("fan", 0.5), ("traffic", 1.0))):
        soundfile.write(
            folder / "_background_noise_" / f"{name}.wav", noise(NOISE_S, exponent, index), RATE_HZ
        )


if __name__ == "__main__":
    main()
