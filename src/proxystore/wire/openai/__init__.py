"""What OpenAI's API says, and what the many that are compatible with it say differently."""

from __future__ import annotations

from proxystore.wire.openai.chat import ChatCompletions
from proxystore.wire.openai.completions import Completions
from proxystore.wire.openai.embeddings import Embeddings

__all__ = ["ChatCompletions", "Completions", "Embeddings"]
