"""The names that OpenAI's younger APIs have for the counts of the older ones."""

from __future__ import annotations

from typing import Any

from proxystore.values import Usage
from proxystore.wire.openai.usage import usage_in


def usage_in_tokens(
    told: object, model: str | None, tier: object = None, *, written: str | None = None
) -> Usage | None:
    """Return what a usage object with ``input_tokens`` and ``output_tokens`` says, ``None`` if it says nothing.

    Args:
        told: The object.
        model: The model that answered.
        tier: What the answer says of its service tier.
        written: The kind of all output that no details tell, such as ``image_tokens``; text if not given.
    """
    if not isinstance(told, dict):
        return None
    if "input_tokens" not in told and "output_tokens" not in told:
        return usage_in(told, model, tier)
    output = told.get("output_tokens")
    details = told.get("output_tokens_details")
    if written is not None and not isinstance(details, dict):
        details = {written: output}
    older: dict[str, Any] = {
        "prompt_tokens": told.get("input_tokens"),
        "completion_tokens": output,
        "prompt_tokens_details": told.get("input_tokens_details") or told.get("input_token_details"),
        "completion_tokens_details": details,
    }
    if told.get("total_tokens") is not None:
        older["total_tokens"] = told["total_tokens"]
    return usage_in(older, model, tier)
