"""Files of labels: what is written is read again, and every other text is read or refused line by line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.label_files import formats
from aggregator.domain.label_files.formats import FORMATS
from aggregator.domain.label_files.matching import Stretch, matching
from aggregator.domain.label_files.spans import Span
from aggregator.domain.label_names import label_name
from aggregator.errors import LabelError, LabelFileError


def suits(text: str) -> bool:
    try:
        return label_name(text) == text
    except LabelError:
        return False


NAMES = st.text(min_size=1, max_size=20).filter(suits) | st.sampled_from(
    ["=owl", "'=owl", "-1", "a,b", 'a"b']
)
SPANS = st.builds(
    lambda node, start_s, length_s, label, reviewer: Span(
        node=node, start_s=start_s, end_s=start_s + length_s, label=label, reviewer=reviewer
    ),
    st.sampled_from(["attic", "hall", "shed-2"]),
    st.integers(1_735_689_600_000, 4_000_000_000_000).map(lambda ms: ms / 1000),
    st.integers(0, 30_000).map(lambda ms: ms / 1000),
    st.none() | NAMES,
    st.sampled_from(["Ada", "Bo"]),
)


@pytest.mark.parametrize("name", FORMATS)
@given(st.lists(SPANS, max_size=8), st.sampled_from([0.0, 1_735_689_600.0]))
def test_what_is_written_is_read_again(name: str, spans: list[Span], origin_s: float) -> None:
    wanted = FORMATS[name]
    if not wanted.knows_nodes:
        spans = [span for span in spans if span.node == "attic"]
    text = formats.write(wanted, spans, origin_s=origin_s)
    lines, bad = formats.read(wanted, text.encode(), node="attic", origin_s=origin_s)
    assert bad == []
    read = [line.span for line in lines]
    assert [(span.node, span.label) for span in read] == [(span.node, span.label) for span in spans]
    for before, after in zip(spans, read, strict=True):
        assert after.start_s == pytest.approx(before.start_s, abs=1e-5)
        assert after.end_s == pytest.approx(before.end_s, abs=1e-5)


@pytest.mark.parametrize("name", FORMATS)
@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(name: str, content: bytes) -> None:
    try:
        formats.read(FORMATS[name], content, node="attic")
    except LabelFileError:
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "annotations", "result", "value", "type", "choices", "labels", "start", "node"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
def test_any_tasks_are_read_or_named(tasks: list[object]) -> None:
    _, bad = formats.read(FORMATS["label-studio"], json.dumps(tasks).encode(), node="attic")
    assert all(1 <= one.number <= len(tasks) for one in bad)


def read(name: str, text: str) -> tuple[list[tuple[int, float, float, str | None]], list[tuple[int, str]]]:
    lines, bad = formats.read(FORMATS[name], text.encode(), node="attic", origin_s=100.0)
    spans = [(line.number, line.span.start_s, line.span.end_s, line.span.label) for line in lines]
    return spans, [(one.number, one.why) for one in bad]


def test_audacity_with_frequencies_commas_and_mistakes() -> None:
    text = "0,5\t1,5\towl\n\\\t300\t4000\n\n2\tx\tdog\n3\t4\n5\t4\tdog\n6\t6\tNone of them\n7\t8\t_silence_\n"
    spans, bad = read("audacity", text)
    assert spans == [(1, 100.5, 101.5, "owl"), (7, 106.0, 106.0, None)]
    assert [number for number, _ in bad] == [4, 5, 6, 8]
    assert bad[0][1] == "'x' is not a number of seconds"
    assert bad[2][1] == "it ends before it begins"


def test_raven_finds_its_columns_by_name() -> None:
    text = "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\t0.5\t1.5\ttawny owl\n2\t3\n3\t4\t5\t\n"
    spans, bad = read("raven", text)
    assert spans == [(2, 100.5, 101.5, "tawny owl")]
    assert [number for number, _ in bad] == [3, 4]
    for lacking in ("", "Selection\tView\n", "Begin Time (s)\tEnd Time (s)\n1\t2\n"):
        with pytest.raises(LabelFileError):
            read("raven", lacking)


def test_a_forgotten_quotation_mark_spoils_one_line_only() -> None:
    text = 'start_s,end_s,label\n1,2,"owl\n3,4,dog\n5,6\n7,8,"a, b"\n'
    spans, bad = read("csv", text)
    assert spans == [(3, 103.0, 104.0, "dog"), (5, 107.0, 108.0, "a, b")]
    assert [number for number, _ in bad] == [2, 4]
    with pytest.raises(LabelFileError, match="lacks label"):
        read("csv", "start_s,end_s\n1,2\n")


def test_label_studio_regions_count_from_their_task() -> None:
    region = {"type": "labels", "value": {"start": 0.5, "end": 1.5, "labels": ["owl"]}}
    rating = {"type": "rating", "value": {"rating": 3}}
    good = {"data": {"start_s": 10, "end_s": 13}, "annotations": [{"result": [region, rating]}]}
    cancelled = {"data": {"start_s": 10, "end_s": 13}, "annotations": [{"was_cancelled": True}]}
    spans, bad = read("label-studio", json.dumps([good, {"data": {}}, cancelled, 3]))
    assert spans == [(1, 110.5, 111.5, "owl")]
    assert [number for number, _ in bad] == [2, 4]


def test_text_that_is_not_utf8_is_named_with_its_line() -> None:
    with pytest.raises(LabelFileError, match="line 2"):
        formats.read(FORMATS["audacity"], b"1\t2\towl\n1\t2\t\xff\n", node="attic")


def test_a_span_speaks_of_the_windows_that_it_covers_half_of() -> None:
    windows = [Stretch(window_id=n, start_s=2.0 * n, end_s=2.0 * n + 3) for n in range(5)]

    def named(start_s: float, end_s: float) -> list[int]:
        span = Span(node="attic", start_s=start_s, end_s=end_s, label="owl")
        return [one.window_id for one, _ in matching(span, windows)]

    assert named(2.0, 5.0) == [1], "what was made of a window speaks of that alone"
    assert named(2.2, 2.8) == [0, 1], "both hold it"
    assert named(2.0, 9.0) == [1, 2, 3]
    assert named(4.5, 4.5) == [1, 2], "a point"
    assert named(20.0, 30.0) == []
