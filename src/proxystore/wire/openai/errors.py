"""Refusals in OpenAI's words, so that its SDKs raise their own errors."""

from __future__ import annotations

from typing import Final

from proxystore.values import Denial
from proxystore.wire.lenient import encode

_INVALID: Final = "invalid_request_error"
_SPENT: Final = "insufficient_quota"
_TYPES: Final = {403: "permission_error", 402: _SPENT, 429: "requests"}
_CODES: Final = {"quota_exceeded": _SPENT, "budget_exceeded": _SPENT}


def refuse(denial: Denial) -> bytes:
    """Return ``{"error": {"message", "type", "param", "code"}}``; our code stays where OpenAI has none of its own."""
    code = _CODES.get(denial.code, denial.code)
    kind = code if code == _SPENT else _TYPES.get(denial.status, "server_error" if denial.status >= 500 else _INVALID)
    return encode({"error": {"message": denial.message, "type": kind, "param": None, "code": code}})
