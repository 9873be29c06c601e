"""What a request may use at most, before it is known: never too little, and never an image for text."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxystore.values import Call

MOST_OUTPUT: Final = 4096
"""Tokens that an answer has at most, where neither the caller nor the catalogue says it."""

_BYTES_PER_TOKEN: Final = 3
_MOST_CHOICES: Final = 128
_PAYLOADS: Final = ("data:", "http://", "https://")
_PAYLOAD_MARKS: Final = (b"data:", b'"data"', b"base64", b"b64_json", b'"images"')
_SILENT: Final = frozenset({"classification", "embeddings", "moderation", "rerank"})
_is_encoded: Final = re.compile(r"[A-Za-z0-9+/_=\r\n-]{512,}").fullmatch


class _Config(msgspec.Struct):
    candidateCount: Any = None  # noqa: N815  Gemini's name
    candidate_count: Any = None


class _Asked(msgspec.Struct):
    n: Any = None
    best_of: Any = None
    generationConfig: Any = None  # noqa: N815  Gemini's name
    generation_config: Any = None


_asked_decoder: Final = msgspec.json.Decoder(_Asked)


def most_tokens(call: Call, body: bytes, most_output: int = MOST_OUTPUT) -> tuple[int, int]:
    """Return how many tokens go in and out at most: the text, three bytes a token, and the bound on every answer.

    Args:
        call: What was asked for.
        body: How it was asked, decoded.
        most_output: What an answer has at most, where the caller does not say it.
    """
    said = -(-_text_bytes(body) // _BYTES_PER_TOKEN)
    if call.operation_name in _SILENT:
        return said, 0
    bound = most_output if call.max_output_tokens is None else call.max_output_tokens
    return said, bound * _choices(body)


def _text_bytes(body: bytes) -> int:
    """Return how long the text of a request is, at most: all of it, unless media may be in it."""
    if not any(mark in body for mark in _PAYLOAD_MARKS):
        return len(body)
    try:
        asked = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return len(body)
    waiting, count = [asked], 0
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            count += 0 if part.startswith(_PAYLOADS) or _is_encoded(part) else len(part.encode(errors="replace"))
        elif type(part) is int:  # a token itself, as prompts and inputs may be given
            count += _BYTES_PER_TOKEN
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            count += sum(map(len, part))
            waiting.extend(part.values())
    return count


def _choices(body: bytes) -> int:
    """Return how many answers are asked for at once."""
    if b'"n"' not in body and b"best_of" not in body and b"andidate" not in body:
        return 1
    try:
        asked = _asked_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return 1
    configs = [config for config in (asked.generationConfig, asked.generation_config) if isinstance(config, dict)]
    counts = [asked.n, asked.best_of, *(config.get(name) for config in configs for name in _Config.__struct_fields__)]
    return max((min(count, _MOST_CHOICES) for count in counts if type(count) is int and count > 1), default=1)
