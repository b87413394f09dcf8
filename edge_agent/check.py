"""``edge-agent check``: device, bundle, broker, disk and clock, each well or with its mend."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from contract.audio import FEATURE_SCALE_DB
from contract.errors import BundleError
from edge_agent import health
from edge_agent.capture import decode, sound_files
from edge_agent.errors import CaptureError, EdgeError
from edge_agent.outbox import show_problem
from edge_agent.settings import InputSettings, Settings
from edge_agent.settings.enrolled import Enrolled


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    says: str
    mend: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    """What was measured, by name."""


def check(settings: Settings, version: str, *, as_json: bool) -> int:
    """Look at everything and print it; the exit code, 1 if anything is not well."""
    looks: list[Callable[[], Finding]] = [
        lambda: check_input(settings.input),
        lambda: check_bundle(settings, version),
        *([lambda: check_denoiser(settings, version)] if settings.denoise.on else []),
        lambda: check_broker(settings),
        lambda: check_certificate(settings.enrolled),
        lambda: check_disk(settings),
        check_clock,
    ]
    findings = [look() for look in looks]
    if as_json:
        print(json.dumps({"ok": all(f.ok for f in findings), "checks": [asdict(f) for f in findings]}))  # noqa: T201
    else:
        for finding in findings:
            print(f"{'ok     ' if finding.ok else 'PROBLEM'} {finding.what:8} {finding.says}")  # noqa: T201
            if finding.mend:
                print(f"{'':16} mend: {finding.mend}")  # noqa: T201
    return 0 if all(finding.ok for finding in findings) else 1


def check_input(settings: InputSettings) -> Finding:
    """Whether sound can be had."""
    try:
        if settings.source == "microphone":
            return _check_microphone(settings)
        if settings.source == "files":
            files = sound_files(settings.path or Path())
            for _ in decode(files[0]):
                break
            return Finding(what="input", ok=True, says=f"{len(files)} files, the first is readable")
    except CaptureError as error:
        mend = "see `edge-agent devices` and set [input] device, usb_id or path; join the group audio"
        return Finding(what="input", ok=False, says=str(error), mend=mend)
    return Finding(what="input", ok=True, says=f"{settings.description}, opened when the agent runs")


def _check_microphone(settings: InputSettings) -> Finding:
    from edge_agent.capture.microphone import Microphone

    microphone = Microphone(name=settings.device, usb_id=settings.usb_id, channels=settings.channels)
    microphone.open()
    try:
        microphone.read()
    finally:
        microphone.close()
    return Finding(what="input", ok=True, says=f"{microphone.opened} gives sound")


def check_bundle(settings: Settings, version: str) -> Finding:
    """Whether the model can be trusted, self-test included."""
    from edge_agent.bundles import load_bundle
    from edge_agent.pipeline import Tuning, in_force

    path = settings.model.bundle
    if path is None:
        return Finding(
            what="bundle", ok=False, says="none is set", mend="set [model] bundle to a .bundle file"
        )
    try:
        bundle = load_bundle(path, version)
        in_force(bundle.manifest, Tuning(thresholds=settings.detector.thresholds))
    except (BundleError, EdgeError) as error:
        mend = "copy the bundle again from where it was released; it must not be changed"
        return Finding(what="bundle", ok=False, says=f"{path.name}: {error}", mend=mend)
    except ValueError as error:
        return Finding(what="bundle", ok=False, says=str(error), mend="mend [detector] thresholds")
    parity = bundle.parity
    says = (
        f"{bundle.manifest.model}, self-test passed: features differ by {parity.feature_steps} steps of"
        f" {FEATURE_SCALE_DB:g} dB at most, posteriors by {parity.posterior:.2g}"
    )
    figures = {"feature_steps": parity.feature_steps, "posterior": parity.posterior}
    return Finding(what="bundle", ok=True, says=says, figures=figures)


def check_denoiser(settings: Settings, version: str) -> Finding:
    """Whether noise can be taken off as the settings ask for it."""
    from edge_agent.denoisers import make_denoiser

    if settings.model.bundle is None:
        return Finding(what="denoise", ok=False, says="there is no bundle", mend="set [model] bundle")
    try:
        denoiser = make_denoiser(settings.denoise, settings.model.bundle, version)
    except (BundleError, EdgeError) as error:
        mend = "copy the bundle again from where it was released, or set [denoise] on = false"
        return Finding(what="denoise", ok=False, says=str(error), mend=mend)
    return Finding(what="denoise", ok=True, says=f"by {denoiser.name if denoiser else 'nothing'}")


def check_broker(settings: Settings) -> Finding:
    """Whether the broker accepts this node."""
    broker = settings.broker
    if not broker.host:
        return Finding(what="broker", ok=True, says="none is set: results are only logged")
    from edge_agent.mqtt import LinkError, probe

    try:
        protocol = probe(broker, settings.node.name)
    except LinkError as error:
        mend = "is the broker running and reachable? are port, user name, password and certificates right?"
        return Finding(what="broker", ok=False, says=str(error), mend=mend)
    return Finding(what="broker", ok=True, says=f"{broker.host}:{broker.port} accepts us, MQTT {protocol}")


def check_certificate(enrolled: Enrolled | None) -> Finding:
    """Whether the node has joined a fleet, and until when it may stay."""
    if enrolled is None:
        return Finding(what="enrolled", ok=True, says="no: `aggregator node add` says how to join a fleet")
    until = time.strftime("%Y-%m-%d", time.localtime(enrolled.not_after_s))
    says = f"as {enrolled.node}, certificate until {until}"
    if time.time() >= enrolled.not_after_s:
        mend = "`aggregator node add` at the aggregator, then `edge-agent enroll`"
        return Finding(what="enrolled", ok=False, says=f"{says}: it has expired", mend=mend)
    return Finding(what="enrolled", ok=True, says=says)


def check_disk(settings: Settings) -> Finding:
    """Whether the outbox can be kept."""
    folder = settings.outbox_path.parent
    free_bytes = health.disk_free_bytes(folder)
    problem = show_problem(settings.outbox_path)
    if problem:
        mend = f"make {folder} writable for this user, or set [node] state to another folder"
        return Finding(what="disk", ok=False, says=problem, mend=mend)
    if free_bytes < settings.outbox.limit_bytes:
        says = (
            f"{free_bytes / 1e6:.0f} MB free, the outbox may need {settings.outbox.limit_bytes / 1e6:.0f} MB"
        )
        return Finding(what="disk", ok=False, says=says, mend="free some, or lower [outbox] limit_bytes")
    return Finding(what="disk", ok=True, says=f"{folder}: {free_bytes / 1e6:.0f} MB free")


def check_clock() -> Finding:
    """Whether times in messages can be right."""
    if time.time() < health.FIRST_POSSIBLE_S:
        says = f"it is {time.strftime('%Y-%m-%d', time.gmtime(time.time()))} here"
        return Finding(
            what="clock", ok=False, says=says, mend="timedatectl set-ntp true, and wait for network"
        )
    known = (
        "synchronised" if health.clock_synced() else "set, though the kernel does not call it synchronised"
    )
    return Finding(what="clock", ok=True, says=known)
