"""``POST /v1beta/models/{model}:embedContent`` and ``:batchEmbedContents``."""

from __future__ import annotations

from proxystore.wire.gemini.generate_content import GenerateContent


class EmbedContent(GenerateContent):
    """Embeddings: one document; only younger models tell their usage."""

    name = "gemini.embed_content"
    paths = (":embedContent", ":batchEmbedContents")
    operation_name = "embeddings"
