"""``POST /tokenize``, ``/detokenize`` and ``/apply-template``, as vLLM and llama.cpp serve them."""

from __future__ import annotations

from proxystore.wire.openai.free import Free


class Tokenize(Free):
    """How a text is cut into tokens; no model is asked."""

    name = "vllm.tokenize"
    paths = ("/tokenize", "/detokenize", "/apply-template")
    operation_name = "count_tokens"
