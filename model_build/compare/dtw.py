"""Dynamic time warping: how far two sequences are apart when either may be stretched a little."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


def warped_distances(first: Values, second: Values, band: int) -> Values:
    """(N, M) distances between sequences (N, L, D) and (M, L, D), per step of the path.

    Sakoe and Chiba's symmetric recursion (a diagonal step counts twice, so that every path weighs 2 L) with
    Euclidean distances between frames; steps more than ``band`` off the diagonal are forbidden.

    >>> one = np.zeros((1, 3, 2), np.float32)
    >>> [round(float(value), 3) for value in warped_distances(one, one + 3.0, band=1)[0]]
    [4.243]
    """
    apart = frame_distances(first, second)
    count, others, length, _ = apart.shape
    far = np.float32(np.inf)
    before = np.full((length, count, others), far, np.float32)
    for i in range(length):
        now = np.full((length, count, others), far, np.float32)
        for j in range(max(0, i - band), min(length, i + band + 1)):
            here = apart[:, :, i, j]
            if i == j == 0:
                now[j] = 2 * here
                continue
            best = before[j] + here
            if j:
                best = np.minimum(best, now[j - 1] + here)
                best = np.minimum(best, before[j - 1] + 2 * here)
            now[j] = best
        before = now
    return np.asarray(before[-1] / np.float32(2 * length))


def frame_distances(first: Values, second: Values) -> Values:
    """(N, M, L, L) Euclidean distances between all frames of sequences (N, L, D) and (M, L, D)."""
    squares = (first**2).sum(axis=2)[:, None, :, None] + (second**2).sum(axis=2)[None, :, None, :]
    products = np.einsum("nid,mjd->nmij", first, second, optimize=True)
    return np.asarray(np.sqrt(np.maximum(squares - 2 * products, 0.0)), dtype=np.float32)


def medoids(distances: Values, count: int) -> list[int]:
    """Indices of ``count`` of N sequences that lie nearest to all, from distances (N, N).

    Greedy: each next one lowers the sum of everybody's distance to the nearest most.

    >>> medoids(np.array([[0, 1, 9], [1, 0, 9], [9, 9, 0]], np.float32), 2)
    [0, 2]
    """
    nearest = np.full(distances.shape[0], np.inf, np.float32)
    chosen: list[int] = []
    for _ in range(min(count, distances.shape[0])):
        costs = np.minimum(nearest[None, :], distances).sum(axis=1)
        costs[chosen] = np.inf
        chosen.append(int(costs.argmin()))
        nearest = np.minimum(nearest, distances[chosen[-1]])
    return chosen
