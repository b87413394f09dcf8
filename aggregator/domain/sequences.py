"""Sets of sequence numbers, kept as ranges."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Ranges:
    """Whole numbers from 1, as sorted ranges that neither touch nor overlap.

    >>> list(Ranges([(1, 3), (5, 6), (4, 4), (9, 9)]))
    [(1, 6), (9, 9)]
    """

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def add(self, first: int, last: int) -> None:
        """Put every number from ``first`` to ``last`` into the set."""
        begin = bisect_left(self._lasts, first - 1)
        end = bisect_right(self._firsts, last + 1)
        if begin < end:
            first = min(first, self._firsts[begin])
            last = max(last, self._lasts[end - 1])
        self._firsts[begin:end] = [first]
        self._lasts[begin:end] = [last]

    def run_from(self, number: int) -> int | None:
        """The last of the unbroken run that begins at ``number``; None if ``number`` is not in the set."""
        at = bisect_left(self._lasts, number)
        if at < len(self._firsts) and self._firsts[at] <= number:
            return self._lasts[at]
        return None

    def shared_with(self, other: "Ranges") -> int:
        """How many numbers are in both sets."""
        mine, theirs, shared = 0, 0, 0
        while mine < len(self._firsts) and theirs < len(other._firsts):
            first = max(self._firsts[mine], other._firsts[theirs])
            last = min(self._lasts[mine], other._lasts[theirs])
            shared += max(0, last - first + 1)
            if self._lasts[mine] < other._lasts[theirs]:
                mine += 1
            else:
                theirs += 1
        return shared

    def __contains__(self, number: int) -> bool:
        return self.run_from(number) is not None

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._firsts, self._lasts, strict=True))

    def count(self) -> int:
        """How many numbers are in the set."""
        return sum(last - first + 1 for first, last in self)
