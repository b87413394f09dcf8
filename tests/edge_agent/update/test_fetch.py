"""Files over real HTTP: resumed, limited, cut, and never from elsewhere."""

import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.topics import DESIRED
from contract.wire import encode
from edge_agent.update.download import Download, Wanted
from edge_agent.update.fetch import Http
from edge_agent.update.files import Files
from edge_agent.update.pace import WATCHED_S, paced
from edge_agent.update.source import Answer, FetchError
from edge_agent.update.tls import Tls
from edge_agent.update.trust import Signed, TrustError
from tests.certificates import make_certificate
from tests.edge_agent.update.serving import Habits, serve
from tests.edge_agent.update.world import GO_ON, desired

CONTENT = bytes(range(251)) * 800
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PATH = f"targets/{DIGEST}.m-1.bundle"
SERVED = f"/nodes/roof/{PATH}"


@pytest.fixture
def habits() -> Habits:
    return Habits({SERVED: CONTENT, "/metadata/timestamp.json": b"{}"})


@pytest.fixture
def base(habits: Habits) -> Iterator[str]:
    with serve(habits) as address:
        yield address


@pytest.fixture
def http(base: str) -> Http:
    return Http(base, "roof", "secret", Tls(None), timeout_s=10)


class Getting:
    """A download whose tag is kept in memory."""

    def __init__(self, folder: Path, http: Http, signed_bytes: int = len(CONTENT)) -> None:
        self.part, self.http, self.tag = folder / "part", http, ""
        self.told: list[int] = []
        self.wanted = Wanted(
            path=PATH, signed=Signed(digest=DIGEST, size_bytes=signed_bytes), limit_bytes_per_s=0
        )

    def run(self, stop: threading.Event = GO_ON) -> None:
        def keep(tag: str) -> None:
            self.tag = tag

        Download(self.part, Files(), self.told.append).run(self.wanted, self.tag, self.http, stop, keep)

    def run_out(self, most: int = 100) -> int:
        """Until all has come; the number of tries."""
        for count in range(1, most):
            try:
                self.run()
            except FetchError:
                continue
            return count
        raise AssertionError("never came")


def test_a_small_file_is_read_without_the_token(http: Http, habits: Habits) -> None:
    assert http.read("metadata/timestamp.json", 100, GO_ON) == b"{}"
    assert "Authorization" not in habits.requests[0][1]


def test_a_small_file_that_is_longer_than_allowed(http: Http, habits: Habits) -> None:
    habits.files["/metadata/timestamp.json"] = bytes(101)
    with pytest.raises(FetchError, match="longer than 100 bytes"):
        http.read("metadata/timestamp.json", 100, GO_ON)


def test_an_endless_small_file(http: Http, habits: Habits) -> None:
    habits.endless = True
    with pytest.raises(FetchError, match="longer than 100 bytes"):
        http.read("metadata/timestamp.json", 100, GO_ON)


def test_a_bundle_comes_whole_with_the_token(http: Http, habits: Habits, tmp_path: Path) -> None:
    getting = Getting(tmp_path, http)
    getting.run()
    assert getting.part.read_bytes() == CONTENT
    assert habits.requests[0][1]["Authorization"] == "Bearer secret"
    assert getting.told[0] == 0
    assert getting.told[-1] == len(CONTENT)
    assert len(getting.told) <= 12


@pytest.mark.parametrize("every", [1_000, 16_384, 70_001])
def test_resume_wherever_the_connection_breaks(
    http: Http, habits: Habits, tmp_path: Path, every: int
) -> None:
    habits.cut_after_bytes = every
    getting = Getting(tmp_path, http)
    tries = getting.run_out(300)
    assert getting.part.read_bytes() == CONTENT
    assert tries == -(-len(CONTENT) // every)
    assert all(headers["If-Range"] == '"same"' for _, headers in habits.requests[1:])


@pytest.mark.parametrize("pieces", range(1, 12))
def test_resume_at_every_chunk_while_the_servers_file_changes(
    http: Http, habits: Habits, tmp_path: Path, pieces: int
) -> None:
    """Part of one content is never joined to part of another, wherever the change comes."""
    habits.cut_after_bytes = len(CONTENT) // 12
    habits.files[SERVED], habits.tags[SERVED] = CONTENT[::-1], '"old"'
    getting = Getting(tmp_path, http)
    for _ in range(pieces):
        with pytest.raises(FetchError):
            getting.run()
    habits.files[SERVED], habits.tags[SERVED] = CONTENT, '"new"'
    getting.run_out()
    assert getting.part.read_bytes() == CONTENT


def test_a_server_without_ranges_begins_again(http: Http, habits: Habits, tmp_path: Path) -> None:
    habits.cut_after_bytes = 50_000
    getting = Getting(tmp_path, http)
    with pytest.raises(FetchError):
        getting.run()
    habits.cut_after_bytes, habits.ignores_range = 0, True
    getting.run()
    assert getting.part.read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_servers_file(http: Http, habits: Habits, tmp_path: Path) -> None:
    getting = Getting(tmp_path, http, signed_bytes=len(CONTENT))
    getting.part.write_bytes(bytes(len(CONTENT) - 10))
    habits.files[SERVED] = CONTENT[: len(CONTENT) - 20]
    with pytest.raises(TrustError, match="are signed"):
        getting.run()


def test_endless_data_is_cut_at_the_signed_length(http: Http, habits: Habits, tmp_path: Path) -> None:
    habits.endless = True
    getting = Getting(tmp_path, http)
    getting.run()
    assert getting.part.read_bytes() == CONTENT


def test_a_file_of_another_length_is_not_even_begun(http: Http, habits: Habits, tmp_path: Path) -> None:
    habits.files[SERVED] = CONTENT + b"!"
    getting = Getting(tmp_path, http)
    with pytest.raises(TrustError, match=f"has {len(CONTENT) + 1} bytes, {len(CONTENT)} are signed"):
        getting.run()
    assert not getting.part.exists()


def test_a_redirection_to_another_host_is_not_followed(http: Http, habits: Habits) -> None:
    other = Habits({"/metadata/timestamp.json": b"evil"})
    with serve(other) as address:
        habits.refuse = (302, {"Location": f"{address}/metadata/timestamp.json"}, b"")
        with pytest.raises(FetchError, match="another host"):
            http.read("metadata/timestamp.json", 100, GO_ON)
    assert not other.requests


def test_a_redirection_in_circles_ends(http: Http, habits: Habits) -> None:
    habits.refuse = (307, {"Location": "/metadata/timestamp.json"}, b"")
    with pytest.raises(FetchError, match="again and again"):
        http.read("metadata/timestamp.json", 100, GO_ON)


def test_patience_that_the_server_asks_for_is_told(http: Http, habits: Habits) -> None:
    habits.refuse = (429, {"Retry-After": "120"}, b"too many downloads\x07 at once")
    with pytest.raises(FetchError, match=r"429 .*too many downloads  at once") as caught:
        http.stream(PATH, 0, "", GO_ON)
    assert (caught.value.status, caught.value.retry_s) == (429, 120.0)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="refused"):
        Http("http://127.0.0.1:9", "roof", "", Tls(None)).read("metadata/x.json", 10, GO_ON)


@pytest.mark.parametrize("base", ["", "ftp://hub", "hub:8080", "http://"])
def test_what_is_no_address(base: str) -> None:
    with pytest.raises(FetchError, match="is no address"):
        Http(base, "roof", "", Tls(None))


def test_a_server_that_stops_sending_is_left(base: str, habits: Habits, tmp_path: Path) -> None:
    habits.holds_after_bytes = 50_000
    getting = Getting(tmp_path, Http(base, "roof", "", Tls(None), timeout_s=0.3))
    with pytest.raises(FetchError, match="no answer in time"):
        getting.run()
    assert getting.part.stat().st_size == 50_000


def test_a_stop_leaves_what_has_come(http: Http, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    getting = Getting(tmp_path, http)
    getting.run(stop)
    assert getting.part.stat().st_size < len(CONTENT)
    getting.run()
    assert getting.part.read_bytes() == CONTENT


def test_https_with_an_unknown_authority_is_refused(base: str) -> None:
    with pytest.raises(FetchError):
        Http(base.replace("http", "https"), "roof", "", Tls(None)).read("metadata/x", 10, GO_ON)
    assert Tls(None).context.verify_mode == ssl.CERT_REQUIRED


def test_https_takes_up_the_connection_before(habits: Habits, tmp_path: Path) -> None:
    certificate, authority = make_certificate(tmp_path)
    tls = Tls(authority)
    with serve(habits, certificate) as base:
        for _ in range(3):
            http = Http(base, "roof", "secret", tls, timeout_s=10)
            assert http.read("metadata/timestamp.json", 10, GO_ON) == b"{}"
        assert habits.resumed == [False, True, True]
        # What nobody remembers is as good as new, and a download goes the same way.
        getting = Getting(tmp_path, Http(base, "roof", "secret", Tls(authority), timeout_s=10))
        getting.run()
    assert habits.resumed[3:] == [False]
    assert getting.part.read_bytes() == CONTENT


def test_another_server_is_verified_although_the_one_before_is_remembered(
    habits: Habits, tmp_path: Path
) -> None:
    certificate, authority = make_certificate(tmp_path)
    impostor, _ = make_certificate(tmp_path / "other")
    tls = Tls(authority)
    with serve(habits, certificate) as base:
        Http(base, "roof", "secret", tls).read("metadata/timestamp.json", 10, GO_ON)
    _, port = base.rsplit(":", 1)
    with serve(habits, impostor) as other:
        session = tls.session("127.0.0.1", int(port))
        tls.remember("127.0.0.1", int(other.rsplit(":", 1)[1]), session)
        with pytest.raises(FetchError, match="CERTIFICATE_VERIFY_FAILED"):
            Http(other, "roof", "secret", tls).read("metadata/timestamp.json", 10, GO_ON)
    assert len(habits.requests) == 1


def test_a_certificate_for_another_name_is_refused(habits: Habits, tmp_path: Path) -> None:
    certificate, authority = make_certificate(tmp_path, "hub.example")
    with serve(habits, certificate) as base, pytest.raises(FetchError, match="CERTIFICATE_VERIFY_FAILED"):
        Http(base, "roof", "secret", Tls(authority)).read("metadata/timestamp.json", 10, GO_ON)


def test_what_is_desired_is_asked_for(http: Http, habits: Habits) -> None:
    wanted = desired(DIGEST, poll_s=60.0)
    habits.files["/nodes/roof/desired"] = encode(DESIRED, wanted)
    answer = http.desired("", GO_ON)
    assert answer == Answer(desired=wanted, tag='"same"')
    assert habits.requests[0][1]["Authorization"] == "Bearer secret"
    assert http.desired(answer.tag, GO_ON) == Answer(desired=None, tag='"same"')
    habits.files["/nodes/roof/desired"] = b"nonsense"
    with pytest.raises(FetchError, match="not JSON"):
        http.desired("", GO_ON)
    del habits.files["/nodes/roof/desired"]
    assert http.desired("", GO_ON).desired is None


class Time:
    """A clock that only waiting moves."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.mark.parametrize(("limit", "takes_s"), [(0, 0.0), (1_000, 100.0), (50_000, 2.0)])
def test_the_bandwidth_limit_is_kept(limit: int, takes_s: float) -> None:
    time = Time()
    chunks = iter([bytes(1_000)] * 100)
    came = list(paced(chunks, limit, threading.Event(), clock_s=time, wait=time.wait))
    assert len(came) == 100
    assert time.now_s == pytest.approx(takes_s, abs=0.01)


def test_a_trickle_is_left(trickle: Callable[[Time], Iterator[bytes]]) -> None:
    time = Time()
    with pytest.raises(FetchError, match="bytes came in"):
        list(paced(trickle(time), 0, threading.Event(), clock_s=time, wait=time.wait))
    assert time.now_s < 2 * WATCHED_S


@pytest.fixture
def trickle() -> Callable[[Time], Iterator[bytes]]:
    def drip(time: Time) -> Iterator[bytes]:
        while True:
            time.wait(9.0)
            yield b"."

    return drip
