"""Responses over a WebSocket: ``response.create`` asks, the events of the stream answer."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxystore.values import Denial
from proxystore.wire.format import WireFormat
from proxystore.wire.lenient import decode, encode
from proxystore.wire.openai.errors import error_object
from proxystore.wire.openai.response_listener import WORDS, ResponseListener
from proxystore.wire.openai.responses import Responses
from proxystore.wire.reading import Listener

_CREATE: Final = b"response.create"
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
        """Return the fields of ``response.create``: beside its type, or, as some send them, in ``response``."""
        told = decode(_decoder, message) if _CREATE in message else None
        if told is None or told.type != _CREATE.decode():
            return None
        nested = bytes(told.response)
        return nested if nested.startswith(b"{") else message

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
