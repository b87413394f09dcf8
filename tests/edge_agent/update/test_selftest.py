"""Well signed and bad: what the child process finds, and what it does not survive."""

import hashlib
import io
import json
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from contract.bundle import MANIFEST, read_bundle
from contract.errors import BundleError
from contract.manifest import CLASSIFIER, PREPROCESS
from edge_agent.update.selftest import (
    Allowed,
    InterruptedTrialError,
    Passed,
    SelfTest,
    TrialError,
    too_much,
)
from tests.edge_agent.test_bundles import changed
from tests.edge_agent.update.models import broken, hanging, laden
from tests.edge_agent.update.world import GO_ON

VERSION = "0.1.0"


def run(path: Path, reference: Path | None, promised: dict[str, Any] | None = None, **allowed: Any) -> Passed:
    return SelfTest(VERSION, Allowed(**allowed)).run(path, reference, promised or {}, GO_ON)


def refusal(path: Path, reference: Path | None = None, **more: Any) -> str:
    with pytest.raises(TrialError) as caught:
        run(path, reference, **more)
    return str(caught.value)


def test_a_good_bundle_is_measured_beside_the_one_in_service(keywords: Path, tmp_path: Path) -> None:
    path = changed(keywords, tmp_path / "x", {"version": "9.0.0"}, {})
    manifest = read_bundle(path).manifest
    promised = {
        "model": "keywords@9.0.0", "labels": list(manifest.labels),
        "frontend_digest": manifest.frontend_digest,
    }  # fmt: skip
    passed = run(path, keywords, promised)
    assert passed.model == "keywords@9.0.0"
    assert passed.cost_ms_per_s > 0
    assert passed.reference_ms_per_s is not None
    assert 0 < passed.memory_mb < 100


def test_a_model_in_service_that_cannot_be_read_is_no_reference(keywords: Path, tmp_path: Path) -> None:
    assert run(keywords, tmp_path / "gone").reference_ms_per_s is None


def test_a_model_that_crashes(keywords: Path, tmp_path: Path) -> None:
    assert "crashed (SIGSEGV) while it was loaded" in refusal(broken(keywords, tmp_path / "x"), keywords)


def test_a_model_that_hangs(keywords: Path, tmp_path: Path) -> None:
    says = refusal(hanging(keywords, tmp_path / "x"), keywords, time_s=6)
    assert "did not end within 6 s" in says


def test_a_model_that_eats_memory(keywords: Path, tmp_path: Path) -> None:
    says = refusal(laden(keywords, tmp_path / "x", times=1, size_bytes=400_000_000), keywords)
    assert "memory" in says


def test_memory_that_is_taken_only_while_it_runs(keywords: Path, tmp_path: Path) -> None:
    """Less than the limit in address space, and seen all the same."""
    path = laden(keywords, tmp_path / "x", times=1, size_bytes=10_000_000)
    assert run(path, None, memory_mb=300).memory_mb > 10


def test_a_model_that_costs_ten_times_as_much(keywords: Path, tmp_path: Path) -> None:
    path = laden(keywords, tmp_path / "x", times=120, size_bytes=500_000)
    says = refusal(path, keywords, memory_mb=2000)
    assert "times as much as the model in service" in says


def test_cost_and_memory_are_judged_by_what_is_allowed() -> None:
    def passed(cost: float, other: float | None = 10.0, memory: float = 10.0) -> Passed:
        return Passed(
            model="m@1", labels=("a",), cost_ms_per_s=cost, reference_ms_per_s=other, memory_mb=memory
        )

    allowed = Allowed(cost_factor_most=2.0, memory_mb=50)
    assert too_much(passed(20.0), allowed) == ""
    assert "2.1 times as much" in too_much(passed(21.0), allowed)
    assert too_much(passed(21.0, None), allowed) == ""
    assert "more than this node can spare" in too_much(passed(701.0, 600.0), allowed)
    assert "at most 50 MB" in too_much(passed(10.0, memory=51.0), allowed)


def test_another_front_end(keywords: Path, tmp_path: Path) -> None:
    other = read_bundle(keywords).files[PREPROCESS] + bytes(16)
    path = changed(keywords, tmp_path / "x", {}, {PREPROCESS: other})
    assert "front end is another than that of the model in service" in refusal(path, keywords)
    assert run(path, keywords, new_frontend=True).model


def test_labels_that_do_not_fit_the_shape(keywords: Path, tmp_path: Path) -> None:
    manifest = read_bundle(keywords).manifest
    path = changed(keywords, tmp_path / "x", {"labels": [*manifest.labels, "_more_"]}, {})
    assert "posteriors has shape" in refusal(path)


@pytest.mark.parametrize(
    "promised", [{"labels": ["yes"]}, {"model": "other@1.0.0"}, {"frontend_digest": "0" * 64}]
)
def test_a_bundle_that_is_not_what_was_signed_of_it(keywords: Path, promised: dict[str, Any]) -> None:
    (name,) = promised
    assert f"its {name} is another than what was signed" in refusal(keywords, promised=promised)


def test_models_in_each_others_place(keywords: Path, tmp_path: Path) -> None:
    files = read_bundle(keywords).files
    swapped = {CLASSIFIER: files[PREPROCESS], PREPROCESS: files[CLASSIFIER]}
    assert "has no tensor" in refusal(changed(keywords, tmp_path / "x", {}, swapped))


def repacked(source: Path, target: Path, members: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> Path:
    """An archive made without our writer, which would refuse: the manifest names what is added."""
    bundle = read_bundle(source)
    plain = bundle.manifest.to_plain()
    for name, content in members.items():
        plain["files"][name] = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
        }
    everything = {**bundle.files, **members, MANIFEST: json.dumps(plain).encode()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name in sorted(everything):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr, info.compress_type = 3, 0o644 << 16, how
            archive.writestr(info, everything[name])
    target.write_bytes(out.getvalue())
    return target


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/../../evil", "..", "sub/evil", "a\\evil"])
def test_path_traversal_in_the_bundle(keywords: Path, tmp_path: Path, name: str) -> None:
    path = repacked(keywords, tmp_path / "x", {name: b"evil"})
    with pytest.raises(BundleError, match="is no plain file name"):
        read_bundle(path)


def test_path_traversal_is_refused_at_the_self_test(keywords: Path, tmp_path: Path) -> None:
    path = repacked(keywords, tmp_path / "x", {"../../evil": b"evil"})
    assert "is no plain file name" in refusal(path)


def test_a_zip_bomb(keywords: Path, tmp_path: Path) -> None:
    bomb = repacked(keywords, tmp_path / "x", {"bomb": bytes(7_000_000)}, zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 700_000
    assert "must be stored, not compressed" in refusal(bomb)


def test_a_bundle_that_lies_about_its_length(keywords: Path, tmp_path: Path) -> None:
    content = bytearray(keywords.read_bytes())
    end = content.index(b"PK\x01\x02")
    content[end + 24 : end + 28] = (2**31).to_bytes(4, "little")
    (tmp_path / "x").write_bytes(content)
    assert "larger than" in refusal(tmp_path / "x")


def test_a_stop_ends_the_child_and_says_nothing_of_the_bundle(keywords: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(InterruptedTrialError):
        SelfTest(VERSION, Allowed()).run(hanging(keywords, tmp_path / "x"), None, {}, stop)
