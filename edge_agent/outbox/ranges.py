"""Sets of sequences as ranges, first and last included. Pure."""

from collections.abc import Iterable

Range = tuple[int, int]


def merge(ranges: Iterable[Range]) -> list[Range]:
    """The same sequences in as few ranges as possible, ascending.

    >>> merge([(5, 6), (1, 2), (3, 3), (9, 9), (2, 3)])
    [(1, 3), (5, 6), (9, 9)]
    """
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def without(span: Range, ranges: Iterable[Range]) -> list[Range]:
    """What of ``span`` lies in none of ``ranges``; nothing of a span that ends before it begins.

    >>> without((1, 9), [(8, 20), (3, 4)])
    [(1, 2), (5, 7)]
    >>> without((5, 4), [])
    []
    """
    first, end = span
    left = []
    for begin, last in merge(ranges):
        if first < begin and first <= end:
            left.append((first, min(begin - 1, end)))
        first = max(first, last + 1)
    return [*left, (first, end)] if first <= end else left
