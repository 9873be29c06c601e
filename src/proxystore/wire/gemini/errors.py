"""Refusals in Google's words, so that its SDKs raise their own errors."""

from __future__ import annotations

from typing import Any, Final

from proxystore.values import Denial
from proxystore.wire.lenient import encode

_KINDS: Final = {
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPES: Final = "type.googleapis.com/google.rpc."


def refuse(denial: Denial) -> bytes:
    """Return ``{"error": {"code", "message", "status", "details"}}``; our code is the reason among the details."""
    details: list[dict[str, Any]] = [
        {"@type": f"{_TYPES}ErrorInfo", "reason": denial.code.upper(), "domain": "proxystore"}
    ]
    if denial.retry_after is not None:
        details.append({"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{-(-denial.retry_after // 1):.0f}s"})
    error = {"code": denial.status, "message": denial.message, "status": _kind(denial.status), "details": details}
    return encode({"error": error})


def _kind(status: int) -> str:
    return _KINDS.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
