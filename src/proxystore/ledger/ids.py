"""UUIDv7: ids that know when they were made, so that rows lie in the order of time."""

from __future__ import annotations

import os
import time
from typing import Final
from uuid import UUID

_RANDOM_BITS: Final = 80


def uuid7(milliseconds: int | None = None) -> UUID:
    """Return a new UUIDv7 for a time in milliseconds since 1970, now if none is given (RFC 9562, section 5.7)."""
    moment = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    return _assembled(moment, os.urandom(10))


def milliseconds_of(identity: UUID) -> int:
    """Return the time in *identity*, in milliseconds since 1970."""
    return identity.int >> _RANDOM_BITS


def first_id(milliseconds: int) -> UUID:
    """Return the least id of that millisecond: the bound of a range of ids."""
    return UUID(int=milliseconds << _RANDOM_BITS)


def restamped(identity: UUID, milliseconds: int) -> UUID:
    """Return *identity* moved to another time; the same answer however often it is asked."""
    return _assembled(milliseconds, identity.bytes[6:])


def _assembled(milliseconds: int, rest: bytes) -> UUID:
    tail = bytearray(rest)
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    return UUID(bytes=milliseconds.to_bytes(6, "big") + bytes(tail))
