"""Synthesises a rotating machine, sound and faulty: something to try the anomaly recipe on.

    python deploy/make_machine_sounds.py --into machine

Writes ``normal/`` and ``anomalous/<fault>-<severity>/``. All of it is arithmetic, no recording: a shaft whose
speed and load wander, its harmonics and gear mesh, flow noise, a hall with its own noise and knocks, one
microphone. Everything is seeded; the same program gives the same sound.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE_HZ = 16_000
Samples = npt.NDArray[np.float64]
Draw = np.random.Generator

SEVERITIES = {"slight": 0.0, "clear": 1.0}
LOUDNESS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine where it stands: what all recordings of it share."""

    shaft_hz: float
    harmonics: Samples
    """(k,) amplitude of each harmonic of the shaft"""
    spectrum: Samples
    """(knots,) decibels of the flow noise from 0 Hz to 8 kHz"""
    hall: Samples
    """Impulse response from the machine to the microphone"""
    resonance_hz: float
    """Of the housing, which a broken bearing makes ring"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turning:
    """A stretch of running: where the shaft is, and how hard it works."""

    angle: Samples
    """(n,) turns since the beginning"""
    load: Samples
    """(n,) from 0 to 1"""

    @property
    def length(self) -> int:
        """Samples."""
        return self.angle.size


Fault = Callable[[Machine, Turning, Samples, float, Draw], Samples]
"""The machine's sound with a fault of a severity from 0 to 1."""


def make_machine(seed: int) -> Machine:
    """Machine number ``seed``."""
    draw = np.random.default_rng([seed, 1])
    number = np.arange(1, 61)
    harmonics = number**-0.9 * 10 ** (draw.normal(0, 4, number.size) / 20)
    mesh = int(draw.integers(13, 24))
    harmonics[mesh - 1] += 0.4
    harmonics[[mesh - 2, mesh]] += 0.12
    time_s = np.arange(int(0.25 * RATE_HZ)) / RATE_HZ
    hall = draw.standard_normal(time_s.size) * np.exp(-time_s / draw.uniform(0.02, 0.06)) * 0.15
    hall[0] = 1.0
    return Machine(
        shaft_hz=float(draw.uniform(20, 30)),
        harmonics=harmonics,
        spectrum=np.linspace(0, -25, 9) + draw.normal(0, 4, 9),
        hall=hall,
        resonance_hz=float(draw.uniform(2500, 4500)),
    )


def run(machine: Machine, seconds: float, draw: Draw) -> Turning:
    """The shaft for some seconds, its speed and load wandering."""
    count = int(seconds * RATE_HZ)
    load = np.clip(draw.uniform(0.3, 1.0) + wander(count, 0.15, draw), 0, 1)
    speed_hz = machine.shaft_hz * (1.01 - 0.03 * load + wander(count, 0.003, draw))
    return Turning(angle=draw.uniform() + np.cumsum(speed_hz) / RATE_HZ, load=load)


def healthy(machine: Machine, turning: Turning, draw: Draw) -> Samples:
    """The machine alone: harmonics, each a little unsteady, and flow noise, louder with the load."""
    sound = np.zeros(turning.length)
    for number, amplitude in enumerate(machine.harmonics, start=1):
        unsteady = 10 ** (wander(turning.length, 1.0, draw) / 20)
        sound += amplitude * unsteady * np.sin(2 * np.pi * (number * turning.angle + draw.uniform()))
    flow = coloured(turning.length, machine.spectrum, draw)
    return np.asarray((0.6 * sound + 0.5 * flow) * 10 ** ((turning.load - 1) * 4 / 20))


def bearing(machine: Machine, turning: Turning, sound: Samples, severity: float, draw: Draw) -> Samples:
    """A pit in the outer race: 3.58 impacts a turn, each making the housing ring."""
    passes = np.floor(turning.angle * 3.58 + wander(turning.length, 0.02, draw))
    hits = np.flatnonzero(np.diff(passes) > 0)
    force = np.zeros(turning.length)
    force[hits] = draw.uniform(0.6, 1.4, hits.size)
    time_s = np.arange(int(0.01 * RATE_HZ)) / RATE_HZ
    ring = np.sin(2 * np.pi * machine.resonance_hz * time_s) * np.exp(-time_s / 0.0015)
    return sound + between(0.5, 1.6, severity) * convolve(force, ring)


def imbalance(machine: Machine, turning: Turning, sound: Samples, severity: float, _: Draw) -> Samples:
    """Mass off the axis: the first harmonic grows, and everything swells once a turn."""
    turn = np.sin(2 * np.pi * turning.angle)
    swell = 1 + between(0.3, 0.7, severity) * turn
    return sound * swell + between(1.0, 2.5, severity) * machine.harmonics[0] * turn


def squeal(machine: Machine, turning: Turning, sound: Samples, severity: float, draw: Draw) -> Samples:
    """A slipping belt: a high, shaky tone that comes and goes."""
    pitch_hz = machine.resonance_hz * 0.7 * (1 + wander(turning.length, 0.02, draw))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    slips = np.clip(4 * wander(turning.length, 1.0, draw), 0, 1)
    return sound + between(0.06, 0.25, severity) * slips * (np.sin(phase) + 0.5 * np.sin(2 * phase))


def rattle(_: Machine, turning: Turning, sound: Samples, severity: float, draw: Draw) -> Samples:
    """A loose part: knocks of noise, at some turns and not at others."""
    turns = np.flatnonzero(np.diff(np.floor(turning.angle)) > 0)
    hits = turns[draw.random(turns.size) < between(0.12, 0.4, severity)]
    force = np.zeros(turning.length)
    force[hits] = draw.exponential(1.0, hits.size)
    length = int(0.02 * RATE_HZ)
    knock = draw.standard_normal(length) * np.exp(-np.arange(length) / (length / 5))
    return sound + between(0.7, 1.8, severity) * convolve(force, knock)


FAULTS: dict[str, Fault] = {"bearing": bearing, "imbalance": imbalance, "squeal": squeal, "rattle": rattle}


def between(least: float, most: float, severity: float) -> float:
    """From ``least`` at severity 0 to ``most`` at 1."""
    return least + (most - least) * severity


def heard(machine: Machine, sound: Samples, draw: Draw) -> Samples:
    """What the microphone gets: the hall's echo, its noise, now and then a knock from elsewhere."""
    echo = convolve(sound, machine.hall)
    noise = coloured(sound.size, np.linspace(0, -30, 9), draw) * 10 ** (draw.uniform(-20, -8) / 20)
    for start in np.flatnonzero(draw.random(sound.size) < 1 / (8 * RATE_HZ)):
        length = min(int(0.15 * RATE_HZ), sound.size - int(start))
        knock = draw.standard_normal(length) * np.exp(-np.arange(length) / 400)
        noise[start : start + length] += draw.exponential(0.5) * knock
    gain = LOUDNESS * 10 ** (draw.uniform(-1, 1) / 20)
    return np.asarray(gain * (echo + noise) + 1e-4 * draw.standard_normal(sound.size))


def wander(count: int, spread: float, draw: Draw) -> Samples:
    """(count,) a slow random curve around zero, with a knot every half second."""
    knots = draw.standard_normal(count // (RATE_HZ // 2) + 2)
    places = np.arange(count) / (RATE_HZ // 2)
    return np.asarray(spread * np.interp(places, np.arange(knots.size), knots))


def coloured(count: int, spectrum_db: Samples, draw: Draw) -> Samples:
    """(count,) noise, RMS 1, with a spectrum given at even steps from 0 Hz to half the rate."""
    bins = np.fft.rfft(draw.standard_normal(count))
    places = np.linspace(0, spectrum_db.size - 1, bins.size)
    bins *= 10 ** (np.interp(places, np.arange(spectrum_db.size), spectrum_db) / 20)
    noise = np.fft.irfft(bins, count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def convolve(sound: Samples, response: Samples) -> Samples:
    """``sound`` through ``response``, at its old length."""
    size = sound.size + response.size
    spectrum = np.fft.rfft(sound, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(spectrum, size)[: sound.size])


def write(path: Path, samples: Samples) -> None:
    """16 bit, no loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(samples, -1, 1), RATE_HZ, format="FLAC", subtype="PCM_16")


def make(into: Path, *, machine: int, normal: int, faulty: int, seconds: float) -> None:
    """``normal`` recordings of machine number ``machine``, and ``faulty`` of each fault and severity."""
    built = make_machine(machine)
    for index in range(normal):
        draw = np.random.default_rng([machine, 2, index])
        turning = run(built, seconds, draw)
        write(into / "normal" / f"{index:03}.flac", heard(built, healthy(built, turning, draw), draw))
    for kind, (name, fault) in enumerate(FAULTS.items()):
        for degree, (severity, amount) in enumerate(SEVERITIES.items()):
            for index in range(faulty):
                draw = np.random.default_rng([machine, 3, kind, degree, index])
                turning = run(built, seconds, draw)
                broken = fault(built, turning, healthy(built, turning, draw), amount, draw)
                folder = into / "anomalous" / f"{name}-{severity}"
                write(folder / f"{index:03}.flac", heard(built, broken, draw))


def main() -> None:
    """Write a data set into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--into", type=Path, required=True, help="folder to write to")
    parser.add_argument("--machine", type=int, default=0, help="which machine; each number is another")
    parser.add_argument("--normal", type=int, default=60, help="normal recordings")
    parser.add_argument("--faulty", type=int, default=8, help="recordings of each fault and severity")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each recording")
    options = parser.parse_args()
    make(
        options.into,
        machine=options.machine,
        normal=options.normal,
        faulty=options.faulty,
        seconds=options.seconds,
    )


if __name__ == "__main__":
    main()
