"""``model-build evaluate-audio``."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_build.commands.numbers import positive
from model_build.errors import ModelBuildError

if TYPE_CHECKING:
    from model_build.audio.denoising import Row as DenoiserRow
    from model_build.audio.evaluation import Row
    from model_build.audio.scores import Pcm
    from model_build.console import Console

HELP = "measure how good sound is that is made from frames and packets, or freed of noise"

CODECS, DENOISERS = "codecs", "denoisers"

_ABOUT = """\
Send recordings of speech through the feature codec, and through Opus and Codec 2 where they are installed,
and say how good what comes out is: PESQ-WB, STOI, SI-SDR, bits a second of the bytes of the packets, time.
With noise, the same of what denoisers make of speech in it: ours, a classic rule, RNNoise, DTLN and speexdsp
where they are installed.

example:
  model-build evaluate-audio --data sentences --noise speech_commands/_background_noise_ --limit 10
"""


def add(command: argparse.ArgumentParser) -> None:
    """The command's options."""
    command.description = _ABOUT
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("--data", required=True, type=Path, metavar="DIR", help="recordings of clean speech")
    command.add_argument(
        "--noise", type=Path, metavar="DIR", help="recordings of noise: rows with noise, too"
    )
    command.add_argument(
        "--limit", type=positive, default=20, help="at most so many recordings (default: 20)"
    )
    command.add_argument(
        "--bundle",
        type=Path,
        default=Path("models/keywords.bundle"),
        metavar="FILE",
        help="bundle whose front end makes stored frames (default: models/keywords.bundle)",
    )
    command.add_argument(
        "--denoiser",
        type=Path,
        default=Path("models/denoise.bundle"),
        metavar="FILE",
        help="bundle with our denoiser (default: models/denoise.bundle)",
    )
    command.add_argument("--only", choices=(CODECS, DENOISERS), help="leave the other tables out")
    command.add_argument(
        "--packet-ms", type=int, choices=(20, 40, 60, 80), default=60, help="sound in a packet (default: 60)"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure; what ``--json`` prints."""
    from model_build.audio import evaluation
    from model_build.audio.scores import Judge
    from model_build.console import Console

    if options.only == DENOISERS and not options.noise:
        raise ModelBuildError("denoisers are measured in noise: name a folder of it with --noise")
    speech = evaluation.recordings(options.data, options.limit)
    found: dict[str, Any] = {"recordings": len(speech)}
    with Console() as console:
        if not Judge().knows_pesq:
            console.warn("pesq is not installed: what it would say is left out")
        if options.only != DENOISERS:
            found |= _codecs(options, speech, console)
        if options.noise and options.only != CODECS:
            found |= _denoisers(options, speech, console)
    return found


def _codecs(options: argparse.Namespace, speech: "list[Pcm]", console: "Console") -> dict[str, Any]:
    from contract.audio import FRAMES_PER_S
    from contract.bundle import read_bundle
    from contract.codec.analysis import FineAnalysis
    from contract.codec.profiles import BY_NAME, FINE_RATE, PROFILES
    from contract.manifest import PREPROCESS
    from model_build.audio import evaluation
    from model_build.audio.codecs import Codec, FeatureCodec, OpusCodec, rivals
    from model_build.audio.noisy import mixed, noise_of
    from model_build.audio.scores import Judge
    from model_build.runtime import Frontend

    judge, preprocess = Judge(), read_bundle(options.bundle).files[PREPROCESS]

    def ours(name: str, packet_ms: int = options.packet_ms) -> FeatureCodec:
        return FeatureCodec(profile=BY_NAME[name], packet_ms=packet_ms, preprocess=preprocess)

    others, missing = rivals()
    _tell_missing(console, missing)
    frames = [
        evaluation.measure_frames(hear, name, rate, speech, judge)
        for name, rate, hear in (
            ("stored frames", FRAMES_PER_S, lambda pcm: Frontend(preprocess).features(pcm)),
            ("finer frames", FINE_RATE, lambda pcm: FineAnalysis().push(pcm)),
        )
    ]
    codecs: list[Codec] = [*(ours(profile.name) for profile in PROFILES), *others]
    rates = [evaluation.measure(codec, speech, judge, console.progress) for codec in codecs]
    lossy: list[Codec] = [
        ours("15k", 20),
        *(one for one in others if isinstance(one, OpusCodec) and one.bit_rate == 16_000),
        # Below about 18 kbit/s the library leaves the copies out, whatever it is asked.
        *(OpusCodec(bit_rate=24_000, repeats=True) for one in others[-1:] if isinstance(one, OpusCodec)),
    ]
    losses = [
        evaluation.measure(codec, speech, judge, console.progress, loss)
        for loss in (0.0, *evaluation.LOSSES)
        for codec in lossy
    ]
    tables = {"frames": frames, "codecs": sorted(rates, key=lambda row: row.kbps), "losses": losses}
    if options.noise:
        noisy = mixed(speech, noise_of(options.noise), evaluation.NOISE_DB)
        tables["noise"] = [evaluation.measure(codec, noisy, judge, console.progress) for codec in codecs]
    for title, rows in tables.items():
        _show(console, title, rows)
    return {key: [row.to_plain() for row in rows] for key, rows in tables.items()}


def _denoisers(options: argparse.Namespace, speech: "list[Pcm]", console: "Console") -> dict[str, Any]:
    from contract.bundle import read_bundle
    from contract.manifest import DENOISER
    from model_build.audio.denoisers import Classic, Denoiser, Model, peers
    from model_build.audio.denoising import in_noise, on_offsets
    from model_build.audio.noisy import noise_of

    others, missing = peers()
    _tell_missing(console, missing)
    ours: list[Denoiser] = [Classic()]
    if options.denoiser.is_file():
        ours.append(Model(read_bundle(options.denoiser).files[DENOISER]))
    else:
        console.warn(f"{options.denoiser} is not there: our model is left out")
    noise = noise_of(options.noise)
    tables = {
        "denoisers": in_noise([*others, *ours], speech, noise, console.progress),
        "offsets": on_offsets(ours, speech, noise, console.progress),
    }
    for title, rows in tables.items():
        _show_denoisers(console, title, rows)
    return {key: [row.to_plain() for row in rows] for key, rows in tables.items()}


def _tell_missing(console: "Console", missing: "Sequence[str]") -> None:
    for module in missing:
        console.warn(f"{module} is not installed: what it would say is left out")


_TITLES = {
    "frames": "Sound from frames",
    "codecs": "Codecs, clean speech",
    "losses": "Packets of 20 ms, some of them lost",
    "noise": "Codecs, speech in noise (compared with what was heard)",
    "denoisers": "Denoisers, speech in noise",
    "offsets": "Speech 5 dB over noise on an offset",
}


def _show(console: "Console", title: str, rows: "Sequence[Row]") -> None:
    columns = ("", "kbps", "PESQ-WB", "STOI", "SI-SDR dB", "encode", "decode")
    console.table(
        _TITLES[title],
        columns,
        [
            (
                row.name,
                f"{row.kbps:.1f}",
                "–" if row.pesq is None else f"{row.pesq:.2f}",
                f"{row.stoi:.3f}",
                f"{row.si_sdr_db:.1f}",
                f"{row.encode_rtf:.3f}",
                f"{row.decode_rtf:.3f}",
            )
            for row in rows
        ],
    )


def _show_denoisers(console: "Console", title: str, rows: "Sequence[DenoiserRow]") -> None:
    columns = ("", "SNR dB", "offset", "PESQ-WB", "STOI", "SI-SDR dB", "residual", "latency ms", "RTF", "kB")
    console.table(
        _TITLES[title],
        columns,
        [
            (
                row.name,
                f"{row.snr_db:g}",
                f"{row.offset:g}",
                "–" if row.pesq is None else f"{row.pesq:.2f}",
                f"{row.stoi:.3f}",
                f"{row.si_sdr_db:.1f}",
                "–" if row.residual is None else f"{row.residual:.1e}",
                f"{row.latency_ms:.0f}",
                f"{row.rtf:.4f}",
                "–" if row.size_kb is None else f"{row.size_kb:.0f}",
            )
            for row in rows
        ],
    )
