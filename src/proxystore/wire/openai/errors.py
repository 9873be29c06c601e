"""Refusals in OpenAI's words, so that its SDKs raise their own errors."""

from __future__ import annotations

from typing import Final

from proxystore.values import Denial
from proxystore.wire.lenient import encode

_INVALID: Final = "invalid_request_error"
_SPENT: Final = "insufficient_quota"
_KINDS: Final = {403: "permission_error", 402: _SPENT, 429: "requests"}
_CODES: Final = {"quota_exceeded": _SPENT, "budget_exceeded": _SPENT}


def refuse(denial: Denial) -> bytes:
    """Return ``{"error": {"message", "type", "param", "code"}}``; our code stays where OpenAI has none of its own."""
    return encode({"error": error_object(denial)})


def error_object(denial: Denial) -> dict[str, object]:
    """Return what stands behind ``error``."""
    code = _CODES.get(denial.code, denial.code)
    return {"message": denial.message, "type": _kind(denial, code), "param": None, "code": code}


def _kind(denial: Denial, code: str) -> str:
    if code == _SPENT:
        return _SPENT
    if denial.status == 429 and denial.unit == "tokens":
        return "tokens"
    return _KINDS.get(denial.status, "server_error" if denial.status >= 500 else _INVALID)
