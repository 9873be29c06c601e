"""Latencies as histograms that add up: logarithmic bins, one tenth wide each, packed into a few bytes.

A packed histogram is its first bin, the number of bins, the number of planes, and the planes: the lowest byte of every
count, then the next byte of every count, and so on. It is never longer than it must be, so that equal histograms are
equal bytes; and it says how long it is, so that many can stand one after the other.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

BINS: Final = 160
"""From 1 ms to 70 minutes; what is shorter or longer counts in the first or the last."""

_RATIO: Final = 1.1
_BOUNDS: Final = tuple(round(1_000 * _RATIO**place) for place in range(1, BINS))  # microseconds: where each bin ends
_LANE: Final = 6  # bytes of a count, unpacked: 281 million million
_HEAD: Final = 3


def bin_of(milliseconds: int) -> int:
    """Return the bin of a latency; the same for ever, since a rebuilt histogram must equal the first."""
    return bisect_right(_BOUNDS, milliseconds * 1_000)


def latency_of(place: int) -> float:
    """Return the latency in milliseconds that stands for a bin: within 5 % of all that is in it."""
    return float(_RATIO ** (place + 0.5))


def pack(counts: Mapping[int, int]) -> bytes:
    """Return the histogram with so many in each bin.

    Raises:
        ValueError: There is nothing in it.
    """
    first, last = min(counts), max(counts)
    planes = -(-max(counts.values()).bit_length() // 8)
    values = [counts.get(place, 0) for place in range(first, last + 1)]
    if planes == 1:
        return bytes((first, len(values), 1, *values))
    bodies = (bytes([value >> (8 * plane) & 0xFF for value in values]) for plane in range(planes))
    return bytes((first, len(values), planes)) + b"".join(bodies)


def grown(histogram: bytes, counts: Mapping[int, int]) -> bytes:
    """Return one *histogram* with *counts* added to it: in its place where they fit, as a few nearly always do."""
    first, width, planes = histogram[:_HEAD]
    sums = bytearray(histogram)
    for place, count in counts.items():
        position, carry = place - first, count
        if not 0 <= position < width:
            return _grown_anew(histogram, counts)
        for byte in range(_HEAD + position, _HEAD + position + planes * width, width):
            carry += sums[byte]
            sums[byte] = carry & 0xFF
            carry >>= 8
        if carry:
            return _grown_anew(histogram, counts)
    return bytes(sums)


def _grown_anew(histogram: bytes, counts: Mapping[int, int]) -> bytes:
    first, width, planes = histogram[:_HEAD]
    values = list(histogram[_HEAD : _HEAD + width])
    for plane in range(1, planes):
        start = _HEAD + plane * width
        for place, byte in enumerate(histogram[start : start + width]):
            values[place] += byte << (8 * plane)
    together = dict(counts)
    for place, value in enumerate(values, first):
        if value:
            together[place] = together.get(place, 0) + value
    return pack(together)


def unpack(histograms: bytes) -> dict[int, int]:
    """Return how many are in each bin of all *histograms* that stand one after the other."""
    sums: dict[int, int] = {}
    for first, lanes in _numbers(histograms):
        sums[first] = sums.get(first, 0) + lanes
    return _counts(sum(lanes << (8 * _LANE * first) for first, lanes in sums.items()))


def percentiles(counts: Mapping[int, int], shares: Sequence[float]) -> list[float | None]:
    """Return for each of *shares*, such as 0.95, the latency in milliseconds below which that share lies."""
    total = sum(counts.values())
    return [_percentile(counts, share, total) if total else None for share in shares]


def _percentile(counts: Mapping[int, int], share: float, total: int) -> float:
    rank, seen = max(1, math.ceil(share * total)), 0
    for place in sorted(counts):
        seen += counts[place]
        if seen >= rank:
            return latency_of(place)
    raise AssertionError("a share is not above 1")


def _numbers(histograms: bytes) -> Iterator[tuple[int, int]]:
    """Yield each histogram's first bin and its counts as one number, six bytes to each: those add up in one go."""
    position, end = 0, len(histograms)
    while position < end:
        first, width, planes = histograms[position : position + _HEAD]
        position += _HEAD
        lanes = bytearray(width * _LANE)
        for plane in range(planes):
            lanes[plane::_LANE] = histograms[position : position + width]
            position += width
        yield first, int.from_bytes(lanes, "little")


def _counts(number: int) -> dict[int, int]:
    lanes = memoryview(number.to_bytes(BINS * _LANE, "little"))
    every = (int.from_bytes(lanes[place * _LANE : (place + 1) * _LANE], "little") for place in range(BINS))
    return {place: count for place, count in enumerate(every) if count}
