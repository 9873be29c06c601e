"""How entries lie in a segment: magic, kind, length, CRC32 over the rest, JSON."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple
from zlib import crc32

_MAGIC: Final = b"\xa7L"
_HEAD: Final = Struct(">2sBII")
_pack: Final = _HEAD.pack
_pack_kind_and_length: Final = Struct(">BI").pack
_LONGEST: Final = 65_536
LONGEST_FRAME: Final = _HEAD.size + _LONGEST


class Kind(IntEnum):
    """What a frame holds."""

    HEADER = 0
    BEGIN = 1
    END = 2
    CLOSED = 3
    """Nothing follows, and nothing is open: what was has been carried into another segment."""
    LOST = 4
    """How many entries the disk did not take, and memory could not keep until it did: a number."""
    AUDIT = 5
    """Something for the audit trail, in a journal of its own."""


class Frame(NamedTuple):
    """One entry as it lies in a segment, from *start* up to *end*; ``kind`` is ``None`` for damaged bytes."""

    kind: int | None
    payload: bytes
    start: int
    end: int


def framed(kind: Kind, payload: bytes) -> bytes:
    """Return *payload* as it goes into a segment, by one write."""
    length = len(payload)
    return _pack(_MAGIC, kind, length, crc32(payload, crc32(_pack_kind_and_length(kind, length)))) + payload


def scan(data: bytes, offset: int, *, is_final: bool) -> Iterator[Frame]:
    """Yield the frames in *data*, which begins at *offset* of its segment.

    Stops at the first that is not whole, for its writer may be about to complete it; unless *data* is final (it
    reaches the end of a dead writer's segment): then the bytes up to the next whole frame are yielded as damaged.
    """
    position = 0
    while position < len(data):
        end = _end_of(data, position)
        if end is not None:
            yield Frame(data[position + 2], data[position + _HEAD.size : end], offset + position, offset + end)
        elif is_final:
            end = _next_frame(data, position)
            yield Frame(None, data[position:end], offset + position, offset + end)
        else:
            return
        position = end


def _end_of(data: bytes, start: int) -> int | None:
    if len(data) - start < _HEAD.size:
        return None
    magic, kind, length, checksum = _HEAD.unpack_from(data, start)
    end: int = start + _HEAD.size + length
    if magic != _MAGIC or length > _LONGEST or end > len(data):
        return None
    payload = data[start + _HEAD.size : end]
    return end if crc32(payload, crc32(_pack_kind_and_length(kind, length))) == checksum else None


def _next_frame(data: bytes, damaged: int) -> int:
    position = data.find(_MAGIC, damaged + 1)
    while position > 0 and _end_of(data, position) is None:
        position = data.find(_MAGIC, position + 1)
    return position if position > 0 else len(data)
