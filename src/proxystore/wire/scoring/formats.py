"""``POST /v1/rerank``, ``/v2/rerank``, ``/v1/score``, ``/classify`` and ``/pooling``."""

from __future__ import annotations

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.openai.errors import refuse
from proxystore.wire.openai.request import read_call
from proxystore.wire.reading import DocumentReader
from proxystore.wire.scoring.listener import ScoreListener


class Rerank:
    """Documents in the order in which they answer a question: one document, paid by the token or by the search."""

    name: str = "cohere.rerank"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = ("/rerank", "/reranking")
    operation_name: str = "rerank"

    def read(self, path: str, body: bytes) -> Call:
        """Return the model."""
        model = read_call(self.operation_name, path, body).request_model
        return Call(operation_name=self.operation_name, request_model=model)

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*: what can be told is."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader of one document."""
        return DocumentReader(ScoreListener(), b'"usage"', b'"meta"')

    def refuse(self, denial: Denial) -> bytes:
        """Return OpenAI's error object."""
        return refuse(denial)


class Score(Rerank):
    """How alike texts are."""

    name = "vllm.score"
    paths = ("/score",)


class Classify(Rerank):
    """What texts are taken for."""

    name = "vllm.classify"
    paths = ("/classify",)
    operation_name = "classification"


class Pooling(Rerank):
    """What a model makes of texts before it would write."""

    name = "vllm.pooling"
    paths = ("/pooling",)
    operation_name = "embeddings"
