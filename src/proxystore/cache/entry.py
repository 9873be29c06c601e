"""An entry as it is kept: when it was made, until when it may be used, and a sum over all of it."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple
from zlib import crc32

_HEAD: Final = struct.Struct(">4sIQQ")
_MAGIC: Final = b"psc1"
_LATEST: Final = 2**63 - 1
_SKEW: Final = 2_000_000
"""How far in the future an entry of another process may seem to be made, in microseconds."""


class Entry(NamedTuple):
    """A value, and when (microseconds since 1970, UTC) it may be used."""

    value: bytes
    stored_at: int
    expires_at: int

    def is_usable(self, now: int) -> bool:
        """Return whether it may be used *now*: neither expired nor, since a clock was set, made in the future."""
        return self.stored_at - _SKEW <= now < self.expires_at


def packed(key: bytes, entry: Entry) -> bytes:
    """Return *entry* as bytes, which can be read back under *key* alone."""
    sum_ = _sum(key, entry.value, entry.stored_at, entry.expires_at)
    return _HEAD.pack(_MAGIC, sum_, entry.stored_at, entry.expires_at) + entry.value


def unpacked(key: bytes, data: bytes) -> Entry | None:
    """Return the entry that *data* is; ``None`` if it is damaged, of another key, or none at all."""
    if len(data) < _HEAD.size:
        return None
    magic, sum_, stored_at, expires_at = _HEAD.unpack_from(data)
    value = data[_HEAD.size :]
    is_ours = magic == _MAGIC and expires_at <= _LATEST and sum_ == _sum(key, value, stored_at, expires_at)
    return Entry(value, stored_at, expires_at) if is_ours else None


def _sum(key: bytes, value: bytes, stored_at: int, expires_at: int) -> int:
    return crc32(value, crc32(b"%b%d %d" % (key, stored_at, expires_at)))
