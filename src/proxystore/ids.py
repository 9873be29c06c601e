"""UUIDv7: ids that know when they were made, so that rows lie in the order of time."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID, SafeUUID

from proxystore.errors import InvalidRecord

Kind: TypeAlias = Literal["key", "proj", "model", "prov", "fam", "alias", "rule", "price"]
"""What an id is of, in front of it where people see it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_RANDOM_BITS: Final = 80
_VERSION_AND_VARIANT: Final = (0x7 << 76) | (0b10 << 62)
_RANDOM: Final = (1 << _RANDOM_BITS) - 1 - (0xF << 76) - (0b11 << 62)
_DIGITS: Final = 32
_HEXADECIMAL: Final = frozenset("0123456789abcdef")
_SHARE: Final = 10  # random bytes of one id
_POOL: Final = 400 * _SHARE  # a system call may cost more than the rest of an id: one for many ids


class _Random:
    """Random bytes of the system, fetched many at a time, never given out twice: taking one off a list is atomic."""

    __slots__ = ("_shares",)

    def __init__(self) -> None:
        self._shares: list[int] = []

    def forget(self) -> None:
        """Drop what was fetched: a forked child would give out its parent's."""
        self._shares = []

    def share(self) -> int:
        """Return the next few, as what comes after the time in an id."""
        while True:
            try:
                return self._shares.pop()
            except IndexError:
                fetched = os.urandom(_POOL)
                self._shares.extend(_rest(fetched[begin : begin + _SHARE]) for begin in range(0, _POOL, _SHARE))


def _rest(data: bytes) -> int:
    return (int.from_bytes(data, "big") & _RANDOM) | _VERSION_AND_VARIANT


_random: Final = _Random()
os.register_at_fork(after_in_child=_random.forget)

# A UUID's own way of being made checks what it is given, and takes four times as long.
_new: Final = object.__new__
_set_number: Final = UUID.__dict__["int"].__set__
_set_safety: Final = UUID.__dict__["is_safe"].__set__
_UNKNOWN: Final = SafeUUID.unknown


def uuid7(at: datetime | int | None = None) -> UUID:
    """Return a new UUIDv7 (RFC 9562, section 5.7) for a time, in milliseconds since 1970 where it is a number.

    Args:
        at: The time; now if none is given.

    Raises:
        ValueError: The time has no time zone.
    """
    if at is None:
        at = time.time_ns() // 1_000_000
    elif isinstance(at, datetime):
        if at.tzinfo is None:
            raise ValueError(f"{at} has no time zone: is it UTC?")
        at = (at - _EPOCH) // _MILLISECOND
    made = _new(UUID)
    _set_number(made, (at << _RANDOM_BITS) | _random.share())
    _set_safety(made, _UNKNOWN)
    return made


def milliseconds_of(identity: UUID) -> int:
    """Return the time in *identity*, in milliseconds since 1970."""
    return identity.int >> _RANDOM_BITS


def first_id(milliseconds: int) -> UUID:
    """Return the least id of that millisecond: the bound of a range of ids."""
    return UUID(int=milliseconds << _RANDOM_BITS)


def restamped(identity: UUID, milliseconds: int) -> UUID:
    """Return *identity* moved to another time; the same answer however often it is asked."""
    return UUID(int=(milliseconds << _RANDOM_BITS) | _rest(identity.bytes[6:]))


def shown(kind: Kind, identity: UUID) -> str:
    """Return *identity* as people see it, such as ``key_0198c1d2…``: 32 hexadecimal digits after the kind."""
    return f"{kind}_{identity.hex}"


def parsed(kind: Kind, text: str) -> UUID:
    """Return the id that :func:`shown` has shown.

    Raises:
        InvalidRecord: *text* is no id of that *kind*.
    """
    prefix, _, digits = text.partition("_")
    if prefix != kind or len(digits) != _DIGITS or not set(digits) <= _HEXADECIMAL:
        raise InvalidRecord(f"This is no id of the form {kind}_ and {_DIGITS} hexadecimal digits.")
    return UUID(hex=digits)
