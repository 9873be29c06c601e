"""Guessing what nobody told."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxystore.wire.lenient import decode

_BYTES_PER_TOKEN: Final = 4
_PAYLOADS: Final = ("data:", "http://", "https://")
"""How strings begin that are media, or lead to them: they are no text."""

_ASKED: Final = (
    "messages",
    "prompt",
    "input",
    "instructions",
    "system",
    "content",
    "contents",
    "requests",
    "systemInstruction",
    "system_instruction",
    "query",
    "documents",
    "texts",
    "text_1",
    "text_2",
)
"""Where the text of a request stands, in one API or another."""


_NO_TEXT: Final = frozenset({"role", "type", "data", "images"})
_ANSWERED: Final = ("choices", "output", "content", "candidates", "message", "response")
"""Where the text of an answer stands."""

_LONG: Final = 16_384
_decoder: Final = msgspec.json.Decoder(dict[str, Any])


def estimated_input_tokens(body: bytes) -> int:
    """Return about how many tokens the text in a JSON request is: a token is some four bytes of it."""
    asked = decode(_decoder, body)
    if asked is None:
        return 0
    return -(-_text_bytes([asked.get(name) for name in _ASKED]) // _BYTES_PER_TOKEN)


def rough_input_tokens(body: bytes) -> int:
    """Return about how many tokens a request is, in a moment: only what is long enough to have media is looked into."""
    if len(body) > _LONG and (b"base64" in body or b"nline" in body or b"input_audio" in body or b'"images"' in body):
        return estimated_input_tokens(body)
    return len(body) // _BYTES_PER_TOKEN


def estimated_output_tokens(document: bytes) -> int:
    """Return about how many tokens the text in an answer is, all of it if it is no JSON; 0 if it holds nothing yet."""
    said = decode(_decoder, document)
    count = len(document) if said is None else _text_bytes([said.get(name) for name in _ANSWERED])
    return -(-count // _BYTES_PER_TOKEN)


def _text_bytes(said: object) -> int:
    waiting, count = [said], 0
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            count += 0 if part.startswith(_PAYLOADS) else len(part.encode(errors="replace"))
        elif type(part) is int:  # a token itself, as prompts and inputs may be given
            count += _BYTES_PER_TOKEN
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(value for name, value in part.items() if name not in _NO_TEXT)
    return count
