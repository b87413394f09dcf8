"""One good record of each kind, and strategies that make any."""

from contract.commands import Acknowledgement, Command
from contract.live import SoundPacket
from contract.messages import Birth, Detection, Features, Gap, Heartbeat, State
from contract.record import Record
from contract.topics import (
    ACKNOWLEDGEMENT,
    BIRTH,
    CALL,
    COMMAND,
    DESIRED,
    DETECTION,
    DISAGREEMENT,
    FEATURES,
    FETCH,
    GAP,
    HEARD,
    HEARTBEAT,
    LIVE,
    PIECE,
    SHADOW,
    STATE,
    TALK,
    TURN,
    UPDATE,
    VOICE,
    Topic,
)
from contract.updates import Desired, Disagreement, Fetch, Piece, Shadow, Update
from contract.voice import Call, Heard, Turn

BOOT = "0123456789abcdef"
DIGEST = "ab" * 32
WHEN = {"boot": BOOT, "wall_s": 1.7e9, "monotonic_s": 12.5}
PACKET = SoundPacket(
    session="0a1b2c3d", codec="15k", sequence=65_535, captured_ms=1_700_000_000_123, payload=b"\x3c\0\1\2"
)
HEARD_WELL = Heard(
    session="0a1b2c3d", played=50, lost=1, late=0, dry=2, waiting_ms=40, captured_ms=1_700_000_000_123,
    since_ms=9,
)  # fmt: skip

EXAMPLES: dict[Topic, Record] = {
    BIRTH: Birth(
        **WHEN, agent_version="0.1.0", model="keywords@1", bundle_digest=DIGEST, frontend_digest=DIGEST,
        labels=["yes", "_silence_"], thresholds=[0.7, None], step_ms=80, publish="results", input="files",
        runtime="ai-edge-litert 2", platform="Linux", site="attic", tags=["north"], started_s=1.7e9,
        clock_synced=True,
    ),
    STATE: State(boot=BOOT, online=True),
    HEARTBEAT: Heartbeat(
        **WHEN, levels_dbfs=[-40.0, -41.5], peak_dbfs=-3.0, input_state="hearing", heard_s=9.0, overruns=0,
        cpu_percent=1.5, rss_bytes=40_000_000, temperature_c=None, disk_free_bytes=10**9, outbox_rows=3,
        outbox_bytes=900, last_sequence=7, dropped=0, clock_synced=True, problems=["card unplugged"],
    ),
    DETECTION: Detection(
        **WHEN, sequence=1, model="keywords@1", frontend_digest=DIGEST, label="yes", posterior=0.9,
        threshold=0.7, start_s=1.7e9, end_s=1.7e9 + 0.5, level_dbfs=-30.0,
    ),
    FEATURES: Features(
        **WHEN, sequence=2, model="keywords@1", frontend_digest=DIGEST, reason="detection", detection=1,
        start_s=1.7e9, hop_ms=20, mel_bins=80, frames=bytes(160), step_ms=80, labels=["yes", "_silence_"],
        posteriors=b"\x00\xff",
    ),
    GAP: Gap(
        **WHEN, sequence=3, reason="outbox_full", gap_boot=BOOT, ranges=[[4, 9]], start_s=1.0, end_s=2.0
    ),
    DESIRED: Desired(
        serial=7, issued_s=1.7e9, release=DIGEST, target="keywords-1.bundle", rollout=3,
        url="https://hub.example/ota/v1", token="cd" * 32,
    ),
    UPDATE: Update(
        **WHEN, sequence=4, release=DIGEST, rollout=3, attempt=2, phase="rolled_back",
        reason="the model hears nothing", model="keywords@1", done_bytes=9, total_bytes=10, seconds=4.5,
    ),
    DISAGREEMENT: Disagreement(
        **WHEN, sequence=5, release=DIGEST, model="keywords@1", candidate="keywords@2", kind="gained",
        label="yes", posterior=0.2, candidate_posterior=0.9, start_s=1.7e9, end_s=1.7e9 + 0.5,
    ),
    SHADOW: Shadow(
        **WHEN, sequence=6, release=DIGEST, model="keywords@1", candidate="keywords@2", start_s=1.0,
        end_s=61.0, steps=750, agreed=740, skipped=0, both={"yes": 3}, gained={}, lost={"no": 1},
        cpu_percent=6.5,
    ),
    FETCH: Fetch(id=BOOT, path="metadata/timestamp.json", offset=0, length=1000),
    PIECE: Piece(id=BOOT, total=3, content=b"abc", status=206),
    COMMAND: Command(id="0f" * 16, issued_s=1.0, expires_s=9.0, action="set_publish", publish="all"),
    ACKNOWLEDGEMENT: Acknowledgement(boot=BOOT, through=7, refused=[9]),
    LIVE: PACKET,
    VOICE: PACKET,
    TALK: PACKET,
    CALL: Call(session="0a1b2c3d", action="begin", to="hall", codecs=["opus", "15k"], packet_ms=20),
    TURN: Turn(session="0a1b2c3d", state="heard", peer="hall", heard=HEARD_WELL),
    HEARD: HEARD_WELL,
}  # fmt: skip
