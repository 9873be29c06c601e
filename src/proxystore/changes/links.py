"""What makes a chain of audit events: each one's hash covers all of it, and the hash before.

The hash is an HMAC, since whoever can edit the table could make a plain one again. What goes in is a MessagePack
array, in which every value carries its kind and length, so that no two events look alike; whoever has the key can
check a chain in any language.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import msgspec

Content: TypeAlias = Sequence[Any]
"""What an event says: its id in 16 bytes, its time in microseconds, then text or nothing."""

FIELDS: Final = (
    "event_id",
    "occurred_at",
    "action",
    "actor",
    "outcome",
    "reason",
    "project_id",
    "key_id",
    "request_id",
    "correlation_id",
    "client_ip",
    "method",
    "path",
    "user_agent",
    "metadata",
)
"""The columns that a hash covers, in the order in which it does."""

BEGINNING: Final = bytes(32)
"""What stands for the hash before the first event."""

_LINK: Final = 1
_SEAL: Final = 2
_encode: Final = msgspec.msgpack.Encoder().encode


def hash_in(value: object) -> bytes:
    """Return the hash that a column holds, the empty one if it is none: SQLite keeps whatever somebody puts there."""
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else b""


def number_in(value: object) -> int:
    """Return the number that a column holds, 0 if it is none."""
    return value if isinstance(value, int) else 0


def link(key: bytes, seq: int, before: bytes, content: Content) -> bytes:
    """Return the hash of the event at *seq*, whose forerunner has the hash *before*."""
    return hmac.digest(key, _encode((_LINK, seq, before, *content)), "sha256")


def seal(key: bytes, seq: int, hash_: bytes) -> bytes:
    """Return what shows that we have left the chain's end at *seq*."""
    return hmac.digest(key, _encode((_SEAL, seq, hash_)), "sha256")


def is_sealed(keys: Sequence[bytes], seq: int, hash_: bytes, found: bytes) -> bool:
    """Tell whether the end of a chain is one that we left; an untouched one needs no seal."""
    if seq == 0:
        return hash_ == BEGINNING and not found
    return any(hmac.compare_digest(seal(key, seq, hash_), found) for key in keys)
