"""The same files in pieces: whoever answers."""

import pytest

from contract.updates import Fetch, Piece
from edge_agent.update.mqtt_fetch import Pieces
from edge_agent.update.source import FetchError
from tests.edge_agent.update.world import GO_ON

PATH = "metadata/timestamp.json"
CONTENT = bytes(range(256)) * 10


class Aggregator:
    """Answers as the aggregator would, or as it should not."""

    def __init__(self, content: bytes) -> None:
        self.content, self.asked, self.status = content, list[Fetch](), 206
        self.silent = self.confused = self.empty = False

    def __call__(self, wanted: Fetch, timeout_s: float) -> Piece:
        self.asked.append(wanted)
        if self.silent:
            raise TimeoutError
        content = self.content[wanted.offset : wanted.offset + wanted.length]
        return Piece(
            id="0" * 16 if self.confused else wanted.id, total=len(self.content), status=self.status,
            content=b"" if self.empty or self.status >= 400 else content,
        )  # fmt: skip


def stream(one: Pieces, offset: int = 0, tag: str = "") -> tuple[int, bytes]:
    found = one.stream("targets/x", offset, tag, GO_ON)
    return found.offset, b"".join(found.chunks)


@pytest.mark.parametrize("piece_bytes", [1, 100, 2_559, 2_560, 5_000])
def test_pieces_make_the_whole(piece_bytes: int) -> None:
    hub = Aggregator(CONTENT)
    assert Pieces(hub, piece_bytes=piece_bytes).read(PATH, 10_000, GO_ON) == CONTENT
    assert len(hub.asked) == -(-len(CONTENT) // piece_bytes)
    assert len({wanted.id for wanted in hub.asked}) == len(hub.asked)


def test_resume_from_an_offset() -> None:
    one = Pieces(Aggregator(CONTENT), piece_bytes=100)
    assert stream(one, 1_000, str(len(CONTENT))) == (1_000, CONTENT[1_000:])
    assert stream(one, 1_000, "77") == (0, CONTENT)


def test_an_empty_file_is_empty() -> None:
    assert Pieces(Aggregator(b"")).read(PATH, 10, GO_ON) == b""


def test_a_longer_file_than_allowed_is_refused_after_one_piece() -> None:
    hub = Aggregator(CONTENT)
    with pytest.raises(FetchError, match="longer than 1000 bytes"):
        Pieces(hub, piece_bytes=100).read(PATH, 1_000, GO_ON)
    assert len(hub.asked) == 1


@pytest.mark.parametrize(
    ("status", "says"), [(404, "not there"), (403, "not for this node"), (500, "status 500")]
)
def test_a_refusal_carries_its_status(status: int, says: str) -> None:
    hub = Aggregator(CONTENT)
    hub.status = status
    with pytest.raises(FetchError, match=says) as caught:
        Pieces(hub).read(PATH, 10_000, GO_ON)
    assert caught.value.status == status


def test_too_much_at_once_asks_for_patience() -> None:
    hub = Aggregator(CONTENT)
    hub.status = 429
    with pytest.raises(FetchError) as caught:
        Pieces(hub).stream(PATH, 0, "", GO_ON)
    assert caught.value.retry_s > 0


@pytest.mark.parametrize(
    ("habit", "says"),
    [("silent", "no answer"), ("confused", "to what was not asked"), ("empty", "an empty piece came")],
)
def test_what_an_answer_may_not_be(habit: str, says: str) -> None:
    hub = Aggregator(CONTENT)
    setattr(hub, habit, True)
    with pytest.raises(FetchError, match=says):
        Pieces(hub).read(PATH, 10_000, GO_ON)


def test_a_file_that_changes_its_size_on_the_way() -> None:
    hub = Aggregator(CONTENT)
    chunks = Pieces(hub, piece_bytes=100).stream(PATH, 0, "", GO_ON).chunks
    next(chunks)
    hub.content += b"!"
    with pytest.raises(FetchError, match="became another file"):
        list(chunks)
