"""Our own two paths: ``/_proxystore/live`` and ``/_proxystore/ready``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from proxystore.exchange.asgi import Send
    from proxystore.store import Store

PREFIX: Final = "/_proxystore/"
_METHODS: Final = frozenset({"GET", "HEAD"})


async def respond(path: str, method: str, store: Store | None, send: Send) -> None:
    """Answer for *path*.

    ``live``: this process serves. ``ready``: the store is open and can write down what is used; the database may be
    out of reach meanwhile, for requests go on without it, and the body tells.
    """
    status, told = await _said(path.removeprefix(PREFIX), method, store)
    body = msgspec.json.encode(told)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


async def _said(name: str, method: str, store: Store | None) -> tuple[int, dict[str, object]]:
    if name not in {"live", "ready"}:
        return 404, {"error": {"code": "not_found", "message": "There are /_proxystore/live and /_proxystore/ready."}}
    if method not in _METHODS:
        return 405, {"error": {"code": "method_not_allowed", "message": "GET and HEAD are allowed here."}}
    if name == "live":
        return 200, {"status": "live"}
    if store is None or not store.ledger.is_writable:
        return 503, {"status": "not ready"}
    health = await store.database.health()
    return 200, {"status": "ready", "database": "reachable" if health.is_reachable else "unreachable"}
