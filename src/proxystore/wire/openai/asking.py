"""Putting ``stream_options.include_usage`` into a request, and not touching another byte of it."""

from __future__ import annotations

from typing import Final

import msgspec

from proxystore.wire.lenient import decode
from proxystore.wire.splicing import append_member, replace_values


class _Options(msgspec.Struct):
    stream_options: msgspec.Raw = msgspec.Raw()


_decoder: Final = msgspec.json.Decoder(_Options)


def ask_for_usage(body: bytes) -> bytes:
    """Return *body* asking for usage; *body* itself if it does so already, or is nothing that could."""
    told = decode(_decoder, body)
    if told is None:
        return body
    if not bytes(told.stream_options):
        return append_member(body, b'"stream_options":{"include_usage":true}')
    asking = replace_values(body, "stream_options", _with_usage)
    return body if asking is None or asking == body else asking


def _with_usage(options: bytes) -> bytes:
    if options == b"null":
        return b'{"include_usage":true}'
    if not options.startswith(b"{"):
        return options  # not ours to mend: the server will say what is wrong
    asking = replace_values(options, "include_usage", lambda _: b"true")
    return append_member(options, b'"include_usage":true') if asking is None else asking
