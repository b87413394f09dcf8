"""Numbers of known likelihood as bytes, and back: a range coder in whole numbers, the same on every machine.

A table is a tuple of cumulative counts from 0 to TOTAL; number ``n`` has the share from ``table[n]`` to
``table[n + 1]``. The likelier a number, the fewer bits it takes.
"""

from bisect import bisect_right
from typing import Final

from contract.errors import CodecError

TOTAL_BITS: Final = 12
TOTAL: Final = 1 << TOTAL_BITS

Table = tuple[int, ...]

_TOP: Final = 1 << 32
_LEAST: Final = 1 << 24
_LOOK_AHEAD_BYTES: Final = 4


class RangeEncoder:
    """Takes numbers, and gives their bytes at the end."""

    def __init__(self) -> None:
        self._low, self._range = 0, _TOP
        self._shifted_bytes = 0

    def encode(self, table: Table, number: int) -> None:
        """Add a number."""
        self._narrow(table[number], table[number + 1] - table[number])

    def encode_plain(self, bits: int, number: int) -> None:
        """Add a number of so many bits, at most TOTAL_BITS, each as likely."""
        share = TOTAL_BITS - bits
        self._narrow(number << share, 1 << share)

    def finish(self) -> bytes:
        """The fewest bytes that say everything; zeros at their end go without saying."""
        size = self._shifted_bytes + _LOOK_AHEAD_BYTES
        for kept in range(_LOOK_AHEAD_BYTES + 1):
            rest = 8 * (_LOOK_AHEAD_BYTES - kept)
            value = -(-self._low >> rest) << rest
            if value < self._low + self._range:
                return value.to_bytes(size, "big").rstrip(b"\0")
        raise AssertionError("the range holds at least its own beginning")

    def _narrow(self, first: int, count: int) -> None:
        step = self._range >> TOTAL_BITS
        # Python's integers carry by themselves.
        self._low += step * first
        self._range = step * count
        while self._range < _LEAST:
            self._range <<= 8
            self._low <<= 8
            self._shifted_bytes += 1


class RangeDecoder:
    """Gives the numbers back; ``CodecError`` where the bytes cannot come from the encoder."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = _LOOK_AHEAD_BYTES
        self._range = _TOP
        self._code = int.from_bytes(content[:_LOOK_AHEAD_BYTES].ljust(_LOOK_AHEAD_BYTES, b"\0"), "big")

    def decode(self, table: Table) -> int:
        """The next number."""
        step = self._range >> TOTAL_BITS
        at = self._code // step
        if at >= TOTAL:
            raise CodecError("the bytes are none that the encoder makes")
        number = bisect_right(table, at) - 1
        self._widen(step, table[number], table[number + 1] - table[number])
        return number

    def decode_plain(self, bits: int) -> int:
        """The next number of so many bits, each as likely."""
        step = self._range >> TOTAL_BITS
        share = TOTAL_BITS - bits
        number = self._code // step >> share
        if number >> bits:
            raise CodecError("the bytes are none that the encoder makes")
        self._widen(step, number << share, 1 << share)
        return number

    def finish(self) -> None:
        """``CodecError`` if bytes are left, or were missing."""
        unread = len(self._content) - self._at
        if unread > 0:
            raise CodecError(f"{unread} bytes too many")

    def _widen(self, step: int, first: int, count: int) -> None:
        self._code -= step * first
        self._range = step * count
        while self._range < _LEAST:
            self._range <<= 8
            follows = self._content[self._at] if self._at < len(self._content) else 0
            self._code = self._code << 8 | follows
            self._at += 1
