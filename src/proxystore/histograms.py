"""Latencies as histograms that add up: logarithmic bins, one tenth wide each, packed into a few bytes.

A packed histogram is its first bin, the number of bins, the number of planes, and the planes: the lowest byte of every
count, then the next byte of every count, and so on. It is never longer than it must be, so that equal histograms are
equal bytes; and it says how long it is, so that many can stand one after the other.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final

BINS: Final = 160
"""From 1 ms to 70 minutes; what is shorter or longer counts in the first or the last."""

_RATIO: Final = 1.1
_BOUNDS: Final = tuple(round(1_000 * _RATIO**place) for place in range(1, BINS))  # microseconds: where each bin ends
_HEAD: Final = 3

_BLOCK: Final = 256  # rows of bytes that add up in two bytes each
_AT_ONCE: Final = 16  # rows in one long number
_EVEN: Final = int.from_bytes(b"\xff\0" * (BINS * _AT_ONCE // 2), "little")
_PAIRS: Final = struct.Struct(f"<{BINS // 2}H")
_HALVES: Final = [(bits := BINS * rows * 8, (1 << bits) - 1) for rows in (8, 4, 2, 1)]


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
    """Return one *histogram* with *counts* added to it, which are a few."""
    sums = _widened(histogram, min(counts), max(counts) + 1)
    first, width, planes = sums[:_HEAD]
    for place, carry in counts.items():
        start = _HEAD + place - first
        for byte in range(start, start + planes * width, width):
            carry += sums[byte]  # noqa: PLW2901  what does not fit into one byte goes into the next
            sums[byte] = carry & 0xFF
            carry >>= 8  # noqa: PLW2901
        if carry:
            return grown(_deepened(histogram), counts)
    return bytes(sums)


def _widened(histogram: bytes, least: int, end: int) -> bytearray:
    """Return *histogram* with room for bins from *least* on, up to *end*."""
    first, width, planes = histogram[:_HEAD]
    before, after = max(first - least, 0), max(end - first - width, 0)
    if not before and not after:
        return bytearray(histogram)
    widened = bytearray((first - before, before + width + after, planes))
    for start in range(_HEAD, _HEAD + planes * width, width):
        widened += bytes(before) + histogram[start : start + width] + bytes(after)
    return widened


def _deepened(histogram: bytes) -> bytes:
    """Return *histogram* with room for larger counts."""
    first, width, planes = histogram[:_HEAD]
    return bytes((first, width, planes + 1)) + histogram[_HEAD:] + bytes(width)


def unpack(histograms: bytes) -> dict[int, int]:
    """Return how many are in each bin of all *histograms* that stand one after the other."""
    sums = [0] * BINS
    for plane, rows in _planes(histograms).items():
        for begin in range(0, len(rows), _BLOCK):
            columns = _columns(rows[begin : begin + _BLOCK])
            sums = [known + (count << 8 * plane) for known, count in zip(sums, columns, strict=True)]
    return {place: count for place, count in enumerate(sums) if count}


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


def _planes(histograms: bytes) -> dict[int, list[bytes]]:
    """Return the lowest bytes of all counts, the next bytes, and so on: a row of all bins for each histogram."""
    planes: dict[int, list[bytes]] = {0: []}
    add, position, end = planes[0].append, 0, len(histograms)
    while position < end:
        first, width, count = histograms[position], histograms[position + 1], histograms[position + 2]
        begin, position = position + _HEAD, position + _HEAD + width
        add(histograms[begin:position].rjust(first + width, b"\0").ljust(BINS, b"\0"))
        if count > 1:  # hardly ever
            for plane in range(1, count):
                begin, position = position, position + width
                row = histograms[begin:position].rjust(first + width, b"\0").ljust(BINS, b"\0")
                planes.setdefault(plane, []).append(row)
    return planes


def _columns(rows: Sequence[bytes]) -> list[int]:
    """Return the sum of each column of at most `_BLOCK` rows: long numbers add up faster than many short ones.

    Bytes of even and of odd columns each get the room of two, which so many rows do not overflow; that is also why
    what is left without the even ones is the odd ones.
    """
    numbers = [
        int.from_bytes(b"".join(rows[begin : begin + _AT_ONCE]), "little") for begin in range(0, len(rows), _AT_ONCE)
    ]
    even = sum(number & _EVEN for number in numbers)
    odd = (sum(numbers) - even) >> 8
    columns = [0] * BINS
    columns[0::2], columns[1::2] = _folded(even), _folded(odd)
    return columns


def _folded(number: int) -> tuple[int, ...]:
    """Return the sums of pairs of bytes over `_AT_ONCE` rows in one number."""
    for bits, half in _HALVES:
        number = (number >> bits) + (number & half)
    return _PAIRS.unpack(number.to_bytes(BINS, "little"))
