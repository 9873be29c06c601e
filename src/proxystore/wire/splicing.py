"""Changing one member of a JSON object without touching the other bytes.

The text has been read before: these functions trust it to be an object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from proxystore.wire.lenient import decode

_key_decoder: Final = msgspec.json.Decoder(str)
_tokens: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]', re.DOTALL).finditer
_is_empty: Final = re.compile(rb"\s*\{\s*\}").match


def append_member(text: bytes, member: bytes) -> bytes:
    """Return *text* with *member* (name, colon, value) as its last one."""
    end = text.rindex(b"}")
    return b"".join((text[:end], b"" if _is_empty(text) else b",", member, text[end:]))


def replace_values(text: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes | None:
    """Return *text* with the value of each member called *name* changed, ``None`` if there is no such member.

    Each, because it is for the reader to say which of several counts. Members of members are left alone.
    """
    parts: list[bytes] = []
    done = 0
    for begin, end in _values(text, name):
        parts += text[done:begin], change(text[begin:end])
        done = end
    return b"".join((*parts, text[done:])) if parts else None


def _values(text: bytes, name: str) -> Iterator[tuple[int, int]]:
    depth, key, begin = 0, b"", -1
    for token in _tokens(text):
        said = token[0]
        is_closing = said in {b"}", b"]"}
        depth += (said in {b"{", b"["}) - is_closing
        if begin >= 0 and (depth == 0 or (depth == 1 and said == b",")):
            value = text[begin : token.start()]
            yield token.start() - len(value.lstrip()), begin + len(value.rstrip())
            begin = -1
        elif depth == 1 and said == b":" and decode(_key_decoder, key) == name:
            begin = token.end()
        elif depth == 1:
            key = said
