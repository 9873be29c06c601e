"""A middleware that was open when its process was forked, as under a server that preloads."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import traceback
from collections.abc import Callable

import pytest

from proxystore import ProxyStoreMiddleware, Store, StoreClosed
from proxystore.testing.asgi import call, http_scope
from proxystore.testing.upstream import FakeUpstream

_BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}'

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # that fork and threads do not mix


async def _ask(wrapped: ProxyStoreMiddleware) -> int:
    return (await call(wrapped, http_scope(), _BODY)).status


async def _recorded(settings) -> int:
    async with Store(settings=settings) as store:
        assert await store.ledger.drain(10)
        return len(await store.usage.list(limit=10))


async def _fork(in_the_child: Callable[[], None]) -> int:
    """Return the exit code of a child that does something.

    To be called while nothing is being written: a child born while a thread is inside SQLite has that thread's locks
    and not the thread.
    """
    child = os.fork()
    if child == 0:
        try:
            asyncio._set_running_loop(None)
            in_the_child()
            os._exit(0)
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(1)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    return os.waitstatus_to_exitcode(status)


@pytest.fixture(name="settings")
def _settings(settings):
    return type(settings)(**{**settings.model_dump(), "plugins": ("usage",)})


async def test_each_process_opens_a_house_of_its_own(settings):
    wrapped = ProxyStoreMiddleware(FakeUpstream(), settings=settings)
    assert await _ask(wrapped) == 200
    of_the_parent = wrapped.store
    assert await of_the_parent.ledger.drain(10)

    def in_the_child() -> None:
        async def serve() -> None:
            with pytest.raises(StoreClosed):
                _ = wrapped.store
            assert await _ask(wrapped) == 200
            assert wrapped.store is not of_the_parent
            gc.collect()
            await wrapped.store.close()

        asyncio.new_event_loop().run_until_complete(serve())

    assert await _fork(in_the_child) == 0
    assert await _ask(wrapped) == 200
    assert wrapped.store is of_the_parent
    await wrapped.store.close()
    assert await _recorded(settings) == 3


async def test_a_store_that_was_given_is_opened_again_in_the_child(settings):
    async with Store(settings=settings) as store:
        wrapped = ProxyStoreMiddleware(FakeUpstream(), store=store)
        assert await _ask(wrapped) == 200
        assert await store.ledger.drain(10)

        def in_the_child() -> None:
            async def serve() -> None:
                assert not store.is_open
                assert await _ask(wrapped) == 200
                assert store.is_open
                gc.collect()
                await store.close()

            asyncio.new_event_loop().run_until_complete(serve())

        assert await _fork(in_the_child) == 0
        assert await _ask(wrapped) == 200
        assert store.is_open
    assert await _recorded(settings) == 3
