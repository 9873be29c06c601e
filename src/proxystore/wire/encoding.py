"""Compressed bodies: read from a copy, passed on as they came."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Protocol

from proxystore.values import Usage
from proxystore.wire.format import Meter

LONGEST_METERED: Final = 32 * 1024 * 1024
"""How many bytes of one response are unpacked, however few they were packed into."""

MOST_PACKED: Final = 64
"""Into one byte, beyond that: no more than this are unpacked of what is made to burst, and the meter stops there."""

_PIECE: Final = 64 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS


class _Unpacker(Protocol):
    @property
    def is_complete(self) -> bool:
        """Whether what was fed so far is a whole body."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Return what *data* unpacks to, in pieces of 64 KiB at most; raises ``zlib.error``."""


class _Gunzip:
    """``gzip``: any number of members, zeros between them."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None
        self.is_complete = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream is None:
                data = data.lstrip(b"\0") if self.is_complete else data
                if not data:
                    return
                self._stream, self.is_complete = zlib.decompressobj(_GZIP), False
            yield from _pieces(self._stream, data)
            if not self._stream.eof:
                return
            data, self._stream, self.is_complete = self._stream.unused_data, None, True


class _Inflate:
    """``deflate``: in a zlib wrapper, as the standard says, or without, as some servers say."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None
        self._start = b""

    @property
    def is_complete(self) -> bool:
        return self._stream is not None and self._stream.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._start += data
            if len(self._start) < 2:  # it takes two bytes to tell
                return
            data = self._start
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if _has_zlib_header(data) else -zlib.MAX_WBITS)
        yield from _pieces(self._stream, data)


def _has_zlib_header(data: bytes) -> bool:
    return data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0


def _pieces(stream: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    is_more = True
    while is_more and not stream.eof:
        piece = stream.decompress(data, _PIECE)
        data = stream.unconsumed_tail
        is_more = bool(data) or len(piece) == _PIECE
        if piece:
            yield piece


_UNPACKERS: Final[dict[bytes, type[_Gunzip | _Inflate]]] = {
    b"gzip": _Gunzip,
    b"x-gzip": _Gunzip,
    b"deflate": _Inflate,
}


_READABLE: Final = _UNPACKERS.keys() | {b"identity"}


class _Decoded:
    """Lets a meter read a compressed response."""

    __slots__ = ("_left", "_meter", "_unpacker")

    def __init__(self, meter: Meter, unpacker: _Unpacker) -> None:
        self._meter = meter
        self._unpacker = unpacker
        self._left = LONGEST_METERED

    @property
    def usage(self) -> Usage:
        return self._meter.usage

    @property
    def finish_reason(self) -> str | None:
        return self._meter.finish_reason

    @property
    def estimated_output_tokens(self) -> int:
        return self._meter.estimated_output_tokens

    @property
    def is_ended(self) -> bool:
        return self._meter.is_ended

    @property
    def is_failed(self) -> bool:
        return self._meter.is_failed

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        if self._left > 0:
            self._left += len(data) * MOST_PACKED
            self._read(data)
        if is_last:
            self._meter.feed(b"", is_last=True)
        return data

    def _read(self, data: bytes) -> None:
        try:
            for piece in self._unpacker.feed(data):
                self._meter.feed(piece, is_last=False)
                self._left -= len(piece)
                if self._left <= 0:
                    return
        except zlib.error:
            self._left = 0


@lru_cache(maxsize=64)
def readable_encodings(accept_encoding: bytes) -> bytes:
    """Return of an ``accept-encoding`` what we can unpack; ``identity`` if there is nothing."""
    offered = [each.strip() for each in accept_encoding.split(b",")]
    return b", ".join(each for each in offered if each.partition(b";")[0].strip().lower() in _READABLE) or b"identity"


def decoded(meter: Meter, content_encoding: bytes) -> Meter | None:
    """Return *meter* such that it can read a response of this ``content-encoding``, ``None`` if we cannot unpack that.

    A compressed response is forwarded as it came, whatever *meter* would strip.
    """
    encoding = _normal(content_encoding)
    if not encoding:
        return meter
    unpacker = _UNPACKERS.get(encoding)
    return None if unpacker is None else _Decoded(meter, unpacker())


def decode_body(body: bytes, content_encoding: bytes, limit: int) -> bytes | None:
    """Return *body* unpacked; ``None`` if it cannot be, is not whole, or would be longer than *limit* bytes."""
    encoding = _normal(content_encoding)
    if not encoding:
        return body if len(body) <= limit else None
    unpacker = _UNPACKERS.get(encoding)
    return None if unpacker is None else _unpack(unpacker(), body, limit)


def _unpack(unpacker: _Unpacker, body: bytes, limit: int) -> bytes | None:
    pieces: list[bytes] = []
    left = limit
    try:
        for piece in unpacker.feed(body):
            left -= len(piece)
            if left < 0:
                return None
            pieces.append(piece)
    except zlib.error:
        return None
    return b"".join(pieces) if unpacker.is_complete else None


def _normal(content_encoding: bytes) -> bytes:
    """Return the one coding named, empty for ``identity``; several at once stay a name that nobody knows."""
    codings = [coding.strip().lower() for coding in content_encoding.split(b",")]
    return b", ".join(coding for coding in codings if coding not in {b"", b"identity"})
