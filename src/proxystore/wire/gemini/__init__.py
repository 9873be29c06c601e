"""What Google's Gemini API says, at Google's own addresses and at Vertex's."""

from __future__ import annotations

from proxystore.wire.gemini.count_tokens import CountTokens
from proxystore.wire.gemini.embed_content import EmbedContent
from proxystore.wire.gemini.generate_content import GenerateContent

__all__ = ["CountTokens", "EmbedContent", "GenerateContent"]
