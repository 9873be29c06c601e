"""What OpenAI's API says, and what the many that are compatible with it say differently."""

from __future__ import annotations

from proxystore.wire.openai.audio import Speech, Transcriptions, Translations
from proxystore.wire.openai.chat import ChatCompletions
from proxystore.wire.openai.completions import Completions
from proxystore.wire.openai.embeddings import Embeddings
from proxystore.wire.openai.images import Images
from proxystore.wire.openai.responses import CancelResponse, CountInputTokens, Responses
from proxystore.wire.openai.responses_socket import ResponsesSocket

__all__ = [
    "CancelResponse",
    "ChatCompletions",
    "Completions",
    "CountInputTokens",
    "Embeddings",
    "Images",
    "Responses",
    "ResponsesSocket",
    "Speech",
    "Transcriptions",
    "Translations",
]
