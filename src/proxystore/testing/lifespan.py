"""Starting and stopping an ASGI application as a server does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxystore.exchange.asgi import ASGIApp, Message


@asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Have *app* started within the block, and stopped after it.

    Raises:
        RuntimeError: It said that it could not start, or could not stop, and why.
    """
    incoming, outgoing = asyncio.Queue[Message](), asyncio.Queue[Message]()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    running = asyncio.create_task(_run(app, scope, incoming, outgoing))
    try:
        await _pass("lifespan.startup", incoming, outgoing)
        yield
        await _pass("lifespan.shutdown", incoming, outgoing)
        await running
    finally:
        running.cancel()


async def _run(
    app: ASGIApp, scope: Message, incoming: asyncio.Queue[Message], outgoing: asyncio.Queue[Message]
) -> None:
    try:
        await app(scope, incoming.get, outgoing.put)
    except Exception as error:  # noqa: BLE001  told to whoever waits
        await outgoing.put({"type": "lifespan.failed", "message": repr(error)})


async def _pass(event: str, incoming: asyncio.Queue[Message], outgoing: asyncio.Queue[Message]) -> None:
    await incoming.put({"type": event})
    answer = await outgoing.get()
    if answer["type"] != f"{event}.complete":
        raise RuntimeError(answer.get("message") or answer["type"])
