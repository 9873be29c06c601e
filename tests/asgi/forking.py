"""A process that is forked while its middleware is open: ``python forking.py own | given``.

A process of its own, with no threads but those of one store: a child that is born while some thread is inside SQLite
has that thread's locks and not the thread.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from proxystore import ProxyStoreMiddleware, Store, StoreClosed
from proxystore.testing.asgi import call, http_scope
from proxystore.testing.upstream import FakeUpstream

_BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}'


async def _ask(wrapped: ProxyStoreMiddleware) -> None:
    assert (await call(wrapped, http_scope(), _BODY)).status == 200


async def _fork(serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Let a child *serve*, and see that it does well."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            asyncio._set_running_loop(None)
            asyncio.new_event_loop().run_until_complete(serve())
            code = 0
        finally:
            os._exit(code)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


async def own() -> None:
    """The middleware has a store of its own."""
    wrapped = ProxyStoreMiddleware(FakeUpstream())
    await _ask(wrapped)
    of_the_parent = wrapped.store
    assert await of_the_parent.ledger.drain(10)

    async def in_the_child() -> None:
        try:
            _ = wrapped.store
        except StoreClosed:
            await _ask(wrapped)
        assert wrapped.store is not of_the_parent
        gc.collect()
        await wrapped.store.close()

    await _fork(in_the_child)
    await _ask(wrapped)
    assert wrapped.store is of_the_parent
    await wrapped.store.close()


async def given() -> None:
    """The middleware was given an open store."""
    async with Store() as store:
        wrapped = ProxyStoreMiddleware(FakeUpstream(), store=store)
        await _ask(wrapped)
        assert await store.ledger.drain(10)

        async def in_the_child() -> None:
            assert not store.is_open
            await _ask(wrapped)
            assert store.is_open
            gc.collect()
            await store.close()

        await _fork(in_the_child)
        await _ask(wrapped)
        assert store.is_open


if __name__ == "__main__":
    asyncio.run({"own": own, "given": given}[sys.argv[1]]())
