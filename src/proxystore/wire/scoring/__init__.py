"""What models answer that write nothing: ranks, scores, classes and vectors, as Cohere, Jina and vLLM serve them."""

from __future__ import annotations

from proxystore.wire.scoring.formats import Classify, Pooling, Rerank, Score
from proxystore.wire.scoring.tokenize import Tokenize

__all__ = ["Classify", "Pooling", "Rerank", "Score", "Tokenize"]
