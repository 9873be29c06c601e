"""Responses over a WebSocket: ``response.create`` asks, the events of the stream answer."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from proxystore.values import Denial
from proxystore.wire.format import WireFormat
from proxystore.wire.lenient import decode, encode
from proxystore.wire.openai.errors import error_object
from proxystore.wire.openai.response_listener import WORDS, ResponseListener
from proxystore.wire.openai.responses import Responses
from proxystore.wire.reading import Listener

_CREATE: Final = "response.create"
_ESCAPED: Final = b"\\u"
_MORE, _ERROR = WORDS


class _Message(msgspec.Struct):
    type: Any = None
    response: msgspec.Raw = msgspec.Raw(b"")


_decoder: Final = msgspec.json.Decoder(_Message)


class ResponsesSocket:
    """One response after the other, each made by a message of its own."""

    paths: tuple[str, ...] = ("/responses",)
    format: WireFormat = Responses()

    def request_in(self, message: bytes) -> bytes | None:
        """Return the fields of ``response.create``: beside its type, or, as some send them, in ``response``.

        What others may take for a request, and for another one than we do, is one of which nothing can be read.
        """
        told = decode(_decoder, message)
        if told is None:
            return message if message.strip() else None
        if told.type != _CREATE:
            return _unclear(message) if _may_ask(message) else None
        nested = bytes(told.response)
        if not nested.startswith(b"{"):
            return message
        rest = message.replace(nested, b"", 1).lower()
        return _unclear(message) if b'model"' in rest or _ESCAPED in rest else nested

    def message_for(self, body: bytes) -> bytes:
        """Return *body* with its type."""
        told = decode(_decoder, body)
        if told is not None and told.type is not None:
            return body
        return b'{"type":"response.create","response":%b}' % body

    def says_more(self, message: bytes) -> bool:
        """Return whether *message* holds a response, or an error."""
        return _MORE in message or _ERROR in message

    def listener(self) -> Listener:
        """Return who hears one response."""
        return ResponseListener()

    def refuse(self, denial: Denial) -> bytes:
        """Return an ``error`` event: as the stream has it, and as the WebSocket has it, with status and object."""
        error = error_object(denial)
        flat = {"code": error["code"], "message": error["message"], "param": None, "sequence_number": 0}
        return encode({"type": "error", "status": denial.status, **flat, "error": error})


def _may_ask(message: bytes) -> bool:
    """Tell whether *message* says ``response.create`` to who takes the first of two types, or minds no case."""
    if _ESCAPED not in message and _CREATE.encode() not in message:
        return False
    try:
        members = json.loads(message, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return True
    return any(name.lower() == "type" and told == _CREATE for name, told in members)


def _unclear(message: bytes) -> bytes:
    return b"[%b]" % message  # as long, and no object
