"""What each API says, and where: model, tokens, end of stream, errors. Pure: bytes in, values out."""

from __future__ import annotations

from typing import Final

from proxystore.wire import anthropic, gemini, llamacpp, ollama, openai, scoring
from proxystore.wire.encoding import decode_body, decoded, readable_encodings
from proxystore.wire.estimating import estimated_input_tokens, rough_input_tokens
from proxystore.wire.format import Meter, WireFormat
from proxystore.wire.lenient import mended
from proxystore.wire.limits import NamesLimits, limit_headers
from proxystore.wire.registry import Formats, Route
from proxystore.wire.sockets import SocketFormat, is_unmetered, spoken_on
from proxystore.wire.unknown import Unknown

BUILT_IN: Final[tuple[WireFormat, ...]] = (
    openai.ChatCompletions(),
    openai.Responses(),
    anthropic.CountTokens(),  # at Google's it looks like a message to a model of that name
    anthropic.Messages(),
    gemini.GenerateContent(),
    openai.Completions(),  # after the chats, whose paths end as its do
    ollama.Chat(),
    ollama.Generate(),
    ollama.Embed(),  # before OpenAI's, whose path ends as its older one does
    openai.Embeddings(),
    gemini.EmbedContent(),
    openai.Images(),
    openai.Speech(),
    openai.Transcriptions(),
    openai.Translations(),
    gemini.CountTokens(),
    openai.CountInputTokens(),
    openai.CancelResponse(),
    ollama.ShowModel(),
    scoring.Rerank(),
    scoring.Score(),
    scoring.Classify(),
    scoring.Pooling(),
    scoring.Tokenize(),
    llamacpp.Completion(),
)
"""The formats that need no plugin, in the order in which they are asked."""

SOCKETS: Final[tuple[SocketFormat, ...]] = (openai.ResponsesSocket(),)
"""What is understood of WebSockets."""

__all__ = [
    "BUILT_IN",
    "SOCKETS",
    "Formats",
    "Meter",
    "NamesLimits",
    "Route",
    "SocketFormat",
    "Unknown",
    "WireFormat",
    "decode_body",
    "decoded",
    "estimated_input_tokens",
    "is_unmetered",
    "limit_headers",
    "mended",
    "readable_encodings",
    "rough_input_tokens",
    "spoken_on",
]
