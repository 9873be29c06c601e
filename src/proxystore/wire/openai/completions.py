"""``POST /v1/completions``, the older one."""

from __future__ import annotations

from proxystore.wire.openai.chat import ChatCompletions


class Completions(ChatCompletions):
    """Completions of a prompt; apart from the content they are said as chats are."""

    name = "openai.completions"
    paths = ("/completions",)
    operation_name = "text_completion"
