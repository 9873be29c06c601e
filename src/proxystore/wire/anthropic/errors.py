"""Refusals in Anthropic's words, so that its SDKs raise their own errors."""

from __future__ import annotations

from typing import Final

from proxystore.values import Denial
from proxystore.wire.lenient import encode

_KINDS: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def refuse(denial: Denial) -> bytes:
    """Return ``{"type": "error", "error": {"type", "message"}, "request_id"}``.

    The types are few: our code stands beside them, in a field of its own that SDKs pass over.
    """
    error = {"type": _kind(denial.status), "message": denial.message, "code": denial.code}
    return encode({"type": "error", "error": error, "request_id": None})


def _kind(status: int) -> str:
    return _KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
