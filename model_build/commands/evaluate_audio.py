"""``model-build evaluate-audio``."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_build.commands.numbers import positive

if TYPE_CHECKING:
    from model_build.audio.evaluation import Row
    from model_build.console import Console

HELP = "measure how good sound is that is made from frames and packets"

_ABOUT = """\
Send recordings of speech through the feature codec, and through Opus and Codec 2 where they are installed,
and say how good what comes out is: PESQ-WB, STOI, SI-SDR, bits a second of the bytes of the packets, time.

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
        "--packet-ms", type=int, choices=(20, 40, 60, 80), default=60, help="sound in a packet (default: 60)"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure; what ``--json`` prints."""
    from contract.audio import FRAMES_PER_S
    from contract.bundle import read_bundle
    from contract.codec.analysis import FineAnalysis
    from contract.codec.profiles import BY_NAME, FINE_RATE, PROFILES
    from contract.manifest import PREPROCESS
    from model_build.audio import evaluation
    from model_build.audio.codecs import Codec, FeatureCodec, OpusCodec, rivals
    from model_build.audio.scores import Judge
    from model_build.console import Console
    from model_build.runtime import Frontend

    judge, preprocess = Judge(), read_bundle(options.bundle).files[PREPROCESS]
    speech = evaluation.recordings(options.data, options.limit)

    def ours(name: str, packet_ms: int = options.packet_ms) -> FeatureCodec:
        return FeatureCodec(profile=BY_NAME[name], packet_ms=packet_ms, preprocess=preprocess)

    with Console() as console:
        others, missing = rivals()
        if not judge.knows_pesq:
            missing.append("pesq")
        for module in missing:
            console.warn(f"{module} is not installed: what it would say is left out")
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
            *(OpusCodec(bit_rate=16_000, repeats=True) for one in others[-1:] if isinstance(one, OpusCodec)),
        ]
        losses = [
            evaluation.measure(codec, speech, judge, console.progress, loss)
            for loss in (0.0, *evaluation.LOSSES)
            for codec in lossy
        ]
        tables = {"frames": frames, "codecs": sorted(rates, key=lambda row: row.kbps), "losses": losses}
        if options.noise:
            noisy = evaluation.with_noise(speech, options.noise)
            tables["noise"] = [evaluation.measure(codec, noisy, judge, console.progress) for codec in codecs]
        for title, rows in tables.items():
            _show(console, title, rows)
    return {
        "recordings": len(speech),
        **{key: [row.to_plain() for row in rows] for key, rows in tables.items()},
    }


_TITLES = {
    "frames": "Sound from frames",
    "codecs": "Codecs, clean speech",
    "losses": "Packets of 20 ms, some of them lost",
    "noise": "Codecs, speech in noise (compared with what was heard)",
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
