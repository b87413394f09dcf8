"""Tokens and what is said while a node joins: read strictly, one error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import enrolment as wire
from contract.enrolment import Confirm, Enrol, Granted, Renew, Token, read_token
from contract.errors import EnrolmentError

HEX = st.integers(0, 15).map(lambda digit: "0123456789abcdef"[digit])


@given(st.lists(HEX, min_size=32, max_size=32), st.lists(HEX, min_size=64, max_size=64))
def test_a_token_is_read_as_it_was_written(secret: list[str], fingerprint: list[str]) -> None:
    token = Token(secret="".join(secret), fingerprint="".join(fingerprint))
    assert read_token(str(token)) == token
    assert str(token).isascii()
    assert len(str(token)) == 68


@given(st.text(max_size=100))
def test_whatever_is_pasted_is_a_token_or_refused(written: str) -> None:
    try:
        token = read_token(written)
    except EnrolmentError:
        return
    assert read_token(str(token)) == token


@pytest.mark.parametrize("cut", [1, 4, 5, 67])
def test_part_of_a_token_is_none(cut: int) -> None:
    whole = str(Token(secret="ab" * 16, fingerprint="cd" * 32))
    with pytest.raises(EnrolmentError, match="not all of one"):
        read_token(whole[:cut])


@given(st.binary(max_size=300), st.sampled_from([Enrol, Renew, Confirm, Granted]))
def test_every_byte_sequence_is_read_or_refused(content: bytes, kind: type[wire.Record]) -> None:
    try:
        assert isinstance(wire.read(kind, content), kind)
    except EnrolmentError:
        pass


def test_what_is_written_is_read_and_nothing_beside_it() -> None:
    asked = Enrol(secret="0" * 32, request=wire.to_text(b"request"))
    assert wire.read(Enrol, wire.write(asked)) == asked
    more = json.dumps({**asked.to_plain(), "node": "attic"}).encode()
    with pytest.raises(EnrolmentError, match="unknown field"):
        wire.read(Enrol, more)
    with pytest.raises(EnrolmentError, match="longer than"):
        wire.read(Enrol, b" " * (wire.REQUEST_LIMIT_BYTES + 1))


def test_the_kept_digest_does_not_say_the_secret() -> None:
    token = Token(secret="ab" * 16, fingerprint="cd" * 32)
    assert token.secret not in token.digest
    assert token.digest == wire.digest_of_secret(token.secret)
