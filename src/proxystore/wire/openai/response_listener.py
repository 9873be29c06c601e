"""What a response says of itself, as a document, in an event of its stream, or over a WebSocket."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxystore.wire.lenient import decode
from proxystore.wire.openai.tokens import usage_in_tokens
from proxystore.wire.reading import Hearing, last_object

WORDS: Final = (b'"response"', b"error")
"""What events contain that say more than content: most of them hold the response as it stands."""

_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_NAMED_ENDS: Final = tuple(name.encode() for name in sorted(_ENDS))
_SEARCH: Final = b'"web_search_call"'
_REASONS: Final = {"max_output_tokens": "length"}


class _Said(msgspec.Struct):
    """A response, or an event that may hold one."""

    type: Any = None
    response: Any = None
    model: Any = None
    status: Any = None
    usage: Any = None
    error: Any = None
    incomplete_details: Any = None
    service_tier: Any = None
    output: msgspec.Raw = msgspec.Raw(b"")


_decoder: Final = msgspec.json.Decoder(_Said)
_items_decoder: Final = msgspec.json.Decoder(list[Any])
_usage_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class ResponseListener(Hearing):
    """Hears one response (a `Listener`)."""

    __slots__ = ()

    def hear(self, said: bytes) -> bool:
        """Take note of a response, or of an event that holds one."""
        told = decode(_decoder, said)
        if told is None:
            return False
        if told.response is None:
            items = decode(_items_decoder, told.output) if _SEARCH in bytes(told.output) else None
            self._hear_response(told, items)
        elif isinstance(told.response, dict):
            fields: dict[str, Any] = {name: told.response.get(name) for name in _NAMES}
            self._hear_response(_Said(**fields), told.response.get("output"))
        kind = told.type if isinstance(told.type, str) else None
        if kind in _ENDS or kind == "error":
            self.is_ended = True
        if kind in {"error", "response.failed"}:
            self.is_failed = True
        return True

    def hear_part(self, head: bytes, tail: bytes) -> None:
        """Take note of an end that is too long to keep."""
        found = last_object(tail, b'"usage"')
        told = None if found is None else decode(_usage_decoder, found)
        self._usage = usage_in_tokens(told, self._usage.response_model) or self._usage
        if any(b'"%b"' % name in head or b"event: %b" % name in head for name in _NAMED_ENDS):
            self.is_ended = True
        if b"response.failed" in head:
            self.is_failed = True

    def _hear_response(self, told: _Said, output: object) -> None:
        model = told.model if isinstance(told.model, str) and told.model else self._usage.response_model
        usage = usage_in_tokens(told.usage, model, told.service_tier)
        if usage is not None:
            searches = sum(map(_is_search, output)) if isinstance(output, list) else 0
            self._usage = msgspec.structs.replace(usage, requests=searches) if searches else usage
        elif model != self._usage.response_model:
            self._usage = msgspec.structs.replace(self._usage, response_model=model)
        if told.error or told.status == "failed":
            self.is_failed = True
        if told.status == "completed":
            self.finish_reason = "stop"
        elif told.status == "incomplete":
            self.finish_reason = _reason(told.incomplete_details)


_NAMES: Final = ("model", "status", "usage", "error", "incomplete_details", "service_tier")


def _is_search(item: object) -> bool:
    """Tell whether a piece of output is a search of the web, each of which is billed; to open a page is none."""
    if not isinstance(item, dict) or item.get("type") != "web_search_call":
        return False
    action = item.get("action")
    return not isinstance(action, dict) or action.get("type", "search") == "search"


def _reason(details: object) -> str | None:
    reason = details.get("reason") if isinstance(details, dict) else None
    return _REASONS.get(reason, reason) if isinstance(reason, str) else None
