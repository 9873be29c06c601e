from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from proxystore.wire import Meter, decode_body, decoded, encoding, readable_encodings
from proxystore.wire.openai.stream import Stream
from tests.wire.streams import CHAT, USAGE, WORD, cut, document, run, stream

_PLAIN = b"".join(CHAT)


def _raw(data: bytes) -> bytes:
    deflating = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflating.compress(data) + deflating.flush()


def _flushed(chunks: Iterable[bytes]) -> list[bytes]:
    """Return what a server sends that compresses a stream: flushed after every event."""
    deflating = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    parts = [deflating.compress(chunk) + deflating.flush(zlib.Z_SYNC_FLUSH) for chunk in chunks]
    return [*parts, deflating.flush()]


_PACKED = {
    "gzip": (b"gzip", gzip.compress(_PLAIN)),
    "x-gzip": (b"X-GZip", gzip.compress(_PLAIN)),
    "members": (
        b"gzip",
        gzip.compress(_PLAIN[:700]) + b"\0\0" + gzip.compress(b"") + gzip.compress(_PLAIN[700:]) + b"\0\0\0",
    ),
    "deflate": (b"deflate", zlib.compress(_PLAIN)),
    "raw": (b"identity, deflate", _raw(_PLAIN)),
    "stored": (b"deflate", zlib.compress(_PLAIN, level=0)),
    "identity": (b"identity", _PLAIN),
    "none": (b"", _PLAIN),
}
# Named, for what is compressed holds the time.
_BROKEN = {
    "plain": _PLAIN,
    "empty": b"",
    "half a magic": b"\x1f",
    "a magic": b"\x1f\x8b\x08",
    "a bad header": b"\x78\x9cxxxx",
    "cut off": gzip.compress(_PLAIN)[:-12],
    "no header": b"\xff" * 99,
}
_packed = pytest.mark.parametrize(("coding", "packed"), _PACKED.values(), ids=_PACKED)


def _decoded(meter: Meter, coding: bytes) -> Meter:
    reading = decoded(meter, coding)
    assert reading is not None
    return reading


@_packed
def test_a_compressed_stream_cut_at_any_byte_is_metered_and_passes_unchanged(coding: bytes, packed: bytes) -> None:
    for place in range(len(packed)):
        meter = _decoded(stream(), coding)

        assert run(meter, cut(packed, place)) == packed
        assert (meter.usage.cache_read_tokens, meter.is_ended, meter.is_failed) == (80, True, False)


@settings(deadline=None)
@given(st.sampled_from(list(_PACKED.values())), st.lists(st.integers(0, 3000), max_size=30))
def test_a_compressed_stream_in_any_chunks_is_metered_and_passes_unchanged(
    packed: tuple[bytes, bytes], places: list[int]
) -> None:
    coding, body = packed
    meter = _decoded(stream(), coding)

    assert run(meter, cut(body, *(place % len(body) for place in places))) == body
    assert meter.usage.cache_read_tokens == 80


def test_each_flushed_event_is_read_as_it_comes() -> None:
    meter, chunks = _decoded(stream(), b"gzip"), _flushed(CHAT)
    for chunk in chunks[:-1]:
        assert not meter.is_ended
        meter.feed(chunk, is_last=False)

    assert meter.is_ended


def test_a_compressed_stream_is_not_stripped() -> None:
    packed = gzip.compress(_PLAIN)

    assert run(_decoded(stream(is_stripping=True), b"gzip"), [packed]) == packed


def test_a_compressed_document_is_read_at_its_end() -> None:
    meter = _decoded(document(), b"gzip")
    run(meter, cut(gzip.compress(b'{"choices":[],%b}' % USAGE), 5, 20))

    assert meter.usage.cache_read_tokens == 80


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, br", b"gzip, gzip", b"compress", b"nonsense"])
def test_what_cannot_be_unpacked_is_not_metered(coding: bytes) -> None:
    assert decoded(stream(), coding) is None
    assert decode_body(b"x", coding, 100) is None


@pytest.mark.parametrize("coding", [b"gzip", b"deflate"])
@pytest.mark.parametrize("body", _BROKEN.values(), ids=_BROKEN)
def test_broken_bodies_pass_unchanged(coding: bytes, body: bytes) -> None:
    meter = _decoded(stream(), coding)

    assert run(meter, [body, body]) == body + body
    assert not meter.is_failed
    assert decode_body(body, coding, 10_000) is None


def test_what_was_read_before_the_break_counts() -> None:
    chunks = _flushed(CHAT)
    meter = _decoded(stream(), b"gzip")
    run(meter, [*chunks[:-1], b"\xff" * 100])

    assert meter.usage.cache_read_tokens == 80


@pytest.mark.parametrize(
    ("offered", "readable"),
    [
        (b"gzip, deflate", b"gzip, deflate"),
        (b"gzip, deflate, br, zstd", b"gzip, deflate"),
        (b"br;q=1.0, GZip;q=0.8, *;q=0.1", b"GZip;q=0.8"),
        (b"br", b"identity"),
        (b"*", b"identity"),
        (b"identity;q=0, zstd", b"identity;q=0"),
        (b"", b"identity"),
    ],
)
def test_what_can_be_unpacked_may_be_asked_for(offered: bytes, readable: bytes) -> None:
    assert readable_encodings(offered) == readable


def test_a_long_answer_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "LONGEST_METERED", 1_000)
    vectors = b",".join(b"%d" % (number * 7_919 % 1_000_003) for number in range(20_000))
    packed = gzip.compress(b'{"data":[%b],%b}' % (vectors, USAGE))
    meter = _decoded(document(), b"gzip")

    assert run(meter, cut(packed, *range(0, len(packed), 8_192))) == packed
    assert meter.usage.cache_read_tokens == 80


def test_a_bomb_is_not_unpacked_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "LONGEST_METERED", 1_000_000)
    monkeypatch.setattr(encoding, "MOST_PACKED", 1)
    bomb = gzip.compress(WORD + b":" * 100_000_000)
    monkeypatch.setattr(encoding, "_PIECE", 50_000)
    inner = _Counting(is_stripping=False)
    meter = _decoded(inner, b"gzip")

    assert run(meter, [bomb, gzip.compress(_PLAIN)]) == bomb + gzip.compress(_PLAIN)
    assert 1_000_000 <= sum(inner.fed) <= 1_050_000 + len(bomb)
    assert max(inner.fed) <= 50_000


class _Counting(Stream):
    def __init__(self, *, is_stripping: bool) -> None:
        super().__init__(is_stripping=is_stripping)
        self.fed: list[int] = []

    @override
    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        self.fed.append(len(data))
        return super().feed(data, is_last=is_last)


@_packed
def test_a_request_body_is_unpacked_up_to_a_limit(coding: bytes, packed: bytes) -> None:
    assert decode_body(packed, coding, len(_PLAIN)) == _PLAIN
    assert decode_body(packed, coding, len(_PLAIN) - 1) is None


def test_a_request_bomb_is_refused_without_being_unpacked() -> None:
    assert decode_body(gzip.compress(bytes(100_000_000)), b"gzip", 1_000_000) is None


@settings(deadline=None)
@given(st.binary(), st.sampled_from([b"gzip", b"deflate"]))
def test_nonsense_raises_nothing(body: bytes, coding: bytes) -> None:
    decode_body(body, coding, 100)
    assert run(_decoded(stream(), coding), [body]) == body
