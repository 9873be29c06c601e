"""Requests: which format it is, what is asked, and the question for usage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from proxystore.wire import BUILT_IN, Formats, anthropic, gemini, openai

_REQUEST: Final = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"%b"}]}'
_CONTENTS: Final = b'{"contents":[{"role":"user","parts":[{"text":"Hi."}]}],"generationConfig":{"maxOutputTokens":64}}'


def cases() -> Iterator[tuple[str, Callable[[], object]]]:
    """Return what to measure."""
    formats, chat = Formats(BUILT_IN), openai.ChatCompletions()
    short, long = _REQUEST % b"Hi.", _REQUEST % (b"word " * 20_000)
    yield "find the format", lambda: formats.find("POST", "/v1/chat/completions")
    yield "read a chat", lambda: chat.read("/v1/chat/completions", short)
    yield "read a response", lambda: openai.Responses().read("/v1/responses", short)
    yield "read a message", lambda: anthropic.Messages().read("/v1/messages", short)
    yield "read contents", lambda: gemini.GenerateContent().read("/v1beta/models/m:generateContent", _CONTENTS)
    yield "read a chat, 100 kB", lambda: chat.read("/v1/chat/completions", long)
    yield "ask for usage", lambda: chat.ask_for_usage(short)
    yield "ask for usage, 100 kB", lambda: chat.ask_for_usage(long)
