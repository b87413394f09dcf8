"""Every record survives the wire; nothing else gets in, and no bytes raise anything but WireError."""

import dataclasses
import json
import math
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import wire
from contract.commands import Command
from contract.errors import ContractError, WireError
from contract.sampling import MOST_PRIVATE, Sampling
from contract.topics import ALL, BIRTH, COMMAND, DETECTION, FEATURES, Topic
from tests.contract.examples import EXAMPLES

PLAIN = [topic for topic in ALL if topic.kind not in wire.PACKED_KINDS]

any_topic = st.sampled_from(ALL)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.binary(max_size=30)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


def dump(topic: Topic, plain: Any) -> bytes:
    if topic.kind in wire.BINARY_KINDS:
        return cbor2.dumps(plain)
    return json.dumps(plain, default=repr).encode()


@pytest.mark.parametrize("topic", ALL, ids=lambda topic: topic.kind)
def test_a_record_survives_the_wire(topic: Topic) -> None:
    record = EXAMPLES[topic]
    assert wire.decode(topic, wire.encode(topic, record)) == record


@given(topic=any_topic, content=st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(topic: Topic, content: bytes) -> None:
    try:
        record = wire.decode(topic, content)
    except WireError:
        wire.identity(topic, content)
        return
    assert wire.decode(topic, wire.encode(topic, record)) == record


@given(topic=any_topic, plain=anything)
def test_any_value_is_decoded_or_refused(topic: Topic, plain: Any) -> None:
    try:
        wire.decode(topic, dump(topic, plain))
    except WireError:
        pass
    wire.identity(topic, dump(topic, plain))


@given(topic=any_topic, position=st.integers(0), flip=st.integers(1, 255))
def test_a_damaged_message_is_decoded_or_refused(topic: Topic, position: int, flip: int) -> None:
    content = bytearray(wire.encode(topic, EXAMPLES[topic]))
    content[position % len(content)] ^= flip
    try:
        wire.decode(topic, bytes(content))
    except WireError:
        pass


FIELDS = [(topic, field) for topic in PLAIN for field in EXAMPLES[topic].to_plain()]
WRONG = [
    object,
    [],
    {},
    [[1]],
    "\x00",
    "x" * 5000,
    -1e300,
    2**70,
    float("nan"),
    float("inf"),
    True,
    b"\xff" * 9,
]


@pytest.mark.parametrize(("topic", "field"), FIELDS, ids=lambda part: getattr(part, "kind", part))
def test_field_by_field_mutation(topic: Topic, field: str) -> None:
    """Each field: left out, and replaced by values of every wrong kind, never by an accepted lie."""
    good = EXAMPLES[topic].to_plain()
    accepted = []
    for wrong in WRONG:
        plain = good | {field: repr(wrong) if wrong is object else wrong}
        try:
            record = wire.decode(topic, dump(topic, plain))
        except WireError as error:
            assert field in str(error) or "JSON" in str(error) or "bytes" in str(error)
        else:
            accepted.append(record)
    for record in accepted:
        assert wire.decode(topic, wire.encode(topic, record)) == record
    assert len(accepted) <= 3
    with pytest.raises(WireError, match="unknown field"):
        wire.decode(topic, dump(topic, good | {"extra": 1}))


@pytest.mark.parametrize("topic", PLAIN, ids=lambda topic: topic.kind)
def test_schema_must_be_said_and_known(topic: Topic) -> None:
    plain = EXAMPLES[topic].to_plain()
    with pytest.raises(WireError, match="schema"):
        wire.decode(topic, dump(topic, plain | {"schema": 2}))
    del plain["schema"]
    with pytest.raises(WireError, match="missing field 'schema'"):
        wire.decode(topic, dump(topic, plain))


@pytest.mark.parametrize("topic", ALL, ids=lambda topic: topic.kind)
def test_size_comes_before_content(topic: Topic) -> None:
    with pytest.raises(WireError, match="bytes, more than"):
        wire.decode(topic, bytes(topic.limit_bytes + 1))


def test_a_message_of_a_gigabyte_is_refused_unread() -> None:
    with pytest.raises(WireError, match="1000000000 bytes, more than"):
        wire.decode(FEATURES, bytes(1_000_000_000))


def test_a_posterior_that_is_no_number_is_refused() -> None:
    text = wire.encode(DETECTION, EXAMPLES[DETECTION]).decode()
    for lie in ("NaN", "Infinity", "1e999", "-0.1", '"0.9"', "true"):
        with pytest.raises(WireError):
            wire.decode(DETECTION, text.replace('"posterior":0.9', f'"posterior":{lie}').encode())


def test_a_field_that_stands_twice_is_refused() -> None:
    text = wire.encode(DETECTION, EXAMPLES[DETECTION]).decode()
    with pytest.raises(WireError, match="twice"):
        wire.decode(DETECTION, text.replace("{", '{"label":"no",', 1).encode())


def test_half_a_frame_is_refused() -> None:
    plain = EXAMPLES[FEATURES].to_plain() | {"frames": bytes(81)}
    with pytest.raises(WireError, match="whole number of frames"):
        wire.decode(FEATURES, cbor2.dumps(plain))


def test_a_record_checks_itself_when_made() -> None:
    plain = EXAMPLES[DETECTION].to_plain()
    with pytest.raises(ContractError, match="end_s"):
        type(EXAMPLES[DETECTION])(**plain | {"end_s": 0.0})


def test_identity_is_read_from_a_message_that_is_refused() -> None:
    plain = EXAMPLES[DETECTION].to_plain() | {"posterior": 7}
    content = dump(DETECTION, plain)
    with pytest.raises(WireError, match="posterior"):
        wire.decode(DETECTION, content)
    assert wire.identity(DETECTION, content) == (plain["boot"], plain["sequence"])
    assert wire.identity(DETECTION, b"garbage") is None


def test_identity_is_read_beside_what_is_no_number() -> None:
    plain = EXAMPLES[DETECTION].to_plain() | {"posterior": math.nan}
    content = json.dumps(plain).encode()
    with pytest.raises(WireError, match="NaN"):
        wire.decode(DETECTION, content)
    assert wire.identity(DETECTION, content) == (plain["boot"], plain["sequence"])


SAMPLING = Sampling(private=("speech", "Hüsteln"), random_per_hour=0.5)
ORDER = Command(id="0f" * 16, issued_s=1.0, expires_s=9.0, action="set_sampling", sampling=SAMPLING)


def test_a_sampling_survives_the_wire() -> None:
    assert wire.decode(COMMAND, wire.encode(COMMAND, ORDER)) == ORDER
    birth = dataclasses.replace(EXAMPLES[BIRTH], sampling=SAMPLING)
    assert wire.decode(BIRTH, wire.encode(BIRTH, birth)) == birth


def test_as_much_as_may_be_private_fits_into_a_command() -> None:
    labels = tuple("\U0001f50a" * 58 + f"{number:02d}" for number in range(MOST_PRIVATE))
    longest = dataclasses.replace(ORDER, sampling=dataclasses.replace(SAMPLING, private=labels))
    assert wire.decode(COMMAND, wire.encode(COMMAND, longest)) == longest


def test_a_birth_of_an_agent_that_samples_nothing_is_still_read() -> None:
    plain = EXAMPLES[BIRTH].to_plain()
    del plain["sampling"]
    assert wire.decode(BIRTH, dump(BIRTH, plain)) == EXAMPLES[BIRTH]


def test_a_command_without_a_sampling_is_as_it_ever_was() -> None:
    assert b"sampling" not in wire.encode(COMMAND, EXAMPLES[COMMAND])


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Sampling)])
def test_no_field_of_a_sampling_may_lie(field: str) -> None:
    for wrong in ("0.5", None, -1, 2.5e12, [1], {"a": 1}, [""], ["a" * 61], ["a"] * 51, float("nan"), True):
        plain = ORDER.to_plain() | {"sampling": SAMPLING.to_plain() | {field: wrong}}
        with pytest.raises(WireError, match=f"sampling: {field}|JSON"):
            wire.decode(COMMAND, dump(COMMAND, plain))
    plain = ORDER.to_plain() | {"sampling": SAMPLING.to_plain() | {"extra": 1}}
    with pytest.raises(WireError, match="unknown field"):
        wire.decode(COMMAND, dump(COMMAND, plain))


@pytest.mark.parametrize("changes", [{"action": "report"}, {"sampling": None}, {"publish": "all"}])
def test_a_sampling_belongs_to_its_command(changes: dict[str, Any]) -> None:
    with pytest.raises(WireError, match="belongs to"):
        wire.decode(COMMAND, dump(COMMAND, ORDER.to_plain() | changes))
