"""Errors, in the shape of the API that was called."""

from __future__ import annotations

from typing import Any

from proxystore.exchange.asgi import Send
from proxystore.testing.upstream.sending import send_json


async def send_error(send: Send, path: str, status: int, code: str, message: str) -> None:
    """Send an error that the caller made."""
    await send_json(send, _worded(path, status, code, message), status)


def _worded(path: str, status: int, code: str, message: str) -> dict[str, Any]:
    if "/v1/messages" in path:
        kind = "not_found_error" if status == 404 else "invalid_request_error"
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"}
    if "/api/" in path:
        return {"error": message}
    if ":" in path:
        kind = "NOT_FOUND" if status == 404 else "INVALID_ARGUMENT"
        return {"error": {"code": status, "message": message, "status": kind}}
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
