"""Whatever the factory writes is read or refused with a sentence."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.figures import read_figures, shared
from aggregator.errors import FiguresError
from tests.aggregator.judged import answers, figures, plain

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_what_is_good_is_read() -> None:
    read = figures(windows=answers("dog", 1, 1), clips=[(None, "dog")], alarms=2, hours=4.0)
    assert [one.item for one in read.windows] == [1, 2]
    assert read.streams.per_hour == 0.5
    assert read.targets == ("dog", "rain")


@given(st.data())
def test_whatever_stands_in_a_field_is_read_or_refused(data: st.DataObject) -> None:
    content = json.loads(json.dumps(plain(windows=answers("dog", 2, 1), clips=answers("rain", 2, 0))))
    field = data.draw(st.sampled_from(sorted(content)))
    content[field] = data.draw(JSON)
    try:
        read_figures(content)
    except FiguresError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (["schema"], 2, "knows only 1"),
        (["labels"], [], "labels"),
        (["windows", 0, "split"], "training", "learned from"),
        (["windows", 0, "window_id"], 2, "twice"),
        (["windows", 0, "said"], 7, r"windows\.said"),
        (["base"], "ab", "base: is not a list"),
        (["streams", "false_alarms"], -1, r"streams\.false_alarms"),
        (["streams", "hours"], float("nan"), r"streams\.hours"),
        (["nothing", "hours"], True, r"nothing\.hours"),
        (["size_bytes"], 1.5, "size_bytes"),
        (["parity"], None, "parity"),
    ],
)
def test_what_is_wrong_is_named(path: list[Any], value: Any, complaint: str) -> None:
    content: Any = plain(windows=answers("dog", 2, 1))
    inner = content
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(FiguresError, match=complaint):
        read_figures(content)


def test_only_what_both_were_asked_is_shared() -> None:
    first = figures(windows=answers("dog", 3, 0), first_window=1)
    second = figures(windows=answers("dog", 3, 0), first_window=2)
    one, other = shared(first, second)
    assert [answer.item for answer in one.windows] == [answer.item for answer in other.windows] == [2, 3]
