"""The store opens and closes with the server, whatever the proxy knows of lifespans."""

from __future__ import annotations

import asyncio
import gc

import httpx
import pytest

from proxystore import ProxyStoreMiddleware, Settings, Store, StoreClosed, hookimpl
from proxystore.exchange.asgi import Message, Receive, Scope, Send
from proxystore.testing.asgi import call, http_scope
from proxystore.testing.upstream import FakeUpstream
from tests.forwarding.world import served


class Server:
    """The server's half of a lifespan."""

    def __init__(self, app) -> None:
        self._in: asyncio.Queue[Message] = asyncio.Queue()
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self.task = asyncio.ensure_future(app(scope, self._in.get, self.heard.put))

    async def start(self) -> Message:
        return await self._ask("lifespan.startup")

    async def stop(self) -> Message:
        return await self._ask("lifespan.shutdown")

    async def _ask(self, kind: str) -> Message:
        await self._in.put({"type": kind})
        return await asyncio.wait_for(self.heard.get(), 20)


class Life:
    """Notes when it is told that the store is open and that it closes."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    @hookimpl
    async def on_startup(self, store: Store) -> None:
        self.told.append(("startup", store.is_open))

    @hookimpl
    async def on_shutdown(self, store: Store) -> None:
        self.told.append(("shutdown", store.is_open))


async def _without_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    await FakeUpstream()(scope, receive, send)


async def _leaving_early(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await FakeUpstream()(scope, receive, send)


async def _status(url: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{url}/v1/models")).status_code


@pytest.mark.parametrize("app", [FakeUpstream(), _without_lifespan, _leaving_early], ids=["has", "raises", "returns"])
async def test_the_store_lives_as_long_as_the_server(settings, app):
    life = Life()
    wrapped = ProxyStoreMiddleware(app, settings=settings, plugins=[life])
    server = Server(wrapped)

    assert (await server.start())["type"] == "lifespan.startup.complete"
    assert wrapped.store.is_open
    assert (await call(wrapped, http_scope("/v1/models", method="GET"))).status == 200
    assert (await server.stop())["type"] == "lifespan.shutdown.complete"
    with pytest.raises(StoreClosed):
        _ = wrapped.store
    await server.task
    assert life.told == [("startup", True), ("shutdown", True)]


async def test_a_second_run_opens_again(settings):
    wrapped = ProxyStoreMiddleware(FakeUpstream(), settings=settings)
    for _ in range(2):
        server = Server(wrapped)
        await server.start()
        assert wrapped.store.is_open
        await server.stop()
        await server.task


async def test_a_store_that_was_given_is_closed_by_its_owner(settings):
    async with Store(settings=settings) as store:
        server = Server(ProxyStoreMiddleware(FakeUpstream(), store=store))
        await server.start()
        await server.stop()

        assert store.is_open


async def test_a_store_that_does_not_open_is_told_and_not_raised(settings):
    broken = Settings(**{**settings.model_dump(), "database_url": "sqlite:////proc/nowhere/proxy.db"})
    server = Server(ProxyStoreMiddleware(FakeUpstream(), settings=broken))

    message = await server.start()

    assert message["type"] == "lifespan.startup.failed"
    assert message["message"]
    await server.task


async def test_a_plugin_that_cannot_start_is_named_and_the_others_let_go(settings):
    life = Life()

    class Broken:
        @hookimpl(trylast=True)
        async def on_startup(self) -> None:
            raise RuntimeError("no disk")

    server = Server(ProxyStoreMiddleware(FakeUpstream(), settings=settings, plugins=[life, Broken]))
    message = await server.start()

    assert message["type"] == "lifespan.startup.failed"
    assert "'broken'" in message["message"]
    assert "no disk" in message["message"]
    assert [what for what, _ in life.told] == ["startup", "shutdown"]


async def test_a_proxy_that_fails_to_start_is_heard(settings):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no model"})

    wrapped = ProxyStoreMiddleware(app, settings=settings)
    server = Server(wrapped)

    assert await server.start() == {"type": "lifespan.startup.failed", "message": "no model"}
    await server.task
    with pytest.raises(StoreClosed):
        _ = wrapped.store


async def test_a_proxy_that_raises_at_the_end_is_heard_and_the_store_closed(settings):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise RuntimeError("late")

    wrapped = ProxyStoreMiddleware(app, settings=settings)
    server = Server(wrapped)
    await server.start()

    assert await server.stop() == {"type": "lifespan.shutdown.failed", "message": "late"}
    with pytest.raises(RuntimeError, match="late"):
        await server.task
    with pytest.raises(StoreClosed):
        _ = wrapped.store


async def test_a_proxy_that_raises_when_told_to_start_is_served_but_not_silently(settings, caplog):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            raise RuntimeError("no model")
        await FakeUpstream()(scope, receive, send)

    wrapped = ProxyStoreMiddleware(app, settings=settings)
    async with served(wrapped) as url:
        assert wrapped.store.is_open
        assert await _status(url) == 200

    (told,) = (record for record in caplog.records if record.name == "proxystore.asgi.lifespan")
    assert "raised when it was told to start" in told.getMessage()
    assert "no model" in caplog.text
    with pytest.raises(StoreClosed):
        _ = wrapped.store


async def test_a_proxy_that_takes_everything_for_a_request_is_served(settings, caplog):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

    wrapped = ProxyStoreMiddleware(app, settings=settings)
    async with served(wrapped) as url:
        assert wrapped.store.is_open
        assert await _status(url) == 200

    with pytest.raises(StoreClosed):
        _ = wrapped.store
    assert not caplog.records


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "raised"])
async def test_the_store_stays_open_for_a_proxy_whose_lifespan_ends_while_it_is_served(settings, caplog, is_told):
    crash = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await FakeUpstream()(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await crash.wait()
        if is_told:  # as Starlette does
            await send({"type": "lifespan.shutdown.failed", "message": "a task died"})
        raise RuntimeError("a task died")

    wrapped = ProxyStoreMiddleware(app, settings=settings)
    server = Server(wrapped)
    await server.start()
    store = wrapped.store
    crash.set()
    await asyncio.sleep(0)

    assert (await call(wrapped, http_scope("/v1/models", method="GET"))).status == 200
    assert wrapped.store is store
    assert "has ended; it is served on: a task died" in caplog.text
    assert await server.stop() == {"type": "lifespan.shutdown.failed", "message": "a task died"}
    with pytest.raises(RuntimeError, match="a task died"):
        await server.task
    assert not store.is_open


async def test_without_lifespan_the_first_request_opens(settings):
    wrapped = ProxyStoreMiddleware(FakeUpstream(), settings=settings)
    answers = await asyncio.gather(*(call(wrapped, http_scope("/v1/models", method="GET")) for _ in range(5)))

    assert [answer.status for answer in answers] == [200] * 5
    await wrapped.store.close()


async def test_without_lifespan_a_store_that_does_not_open_gives_503_in_shape(settings):
    broken = Settings(**{**settings.model_dump(), "database_url": "sqlite:////proc/nowhere/proxy.db"})
    wrapped = ProxyStoreMiddleware(FakeUpstream(), settings=broken)
    for _ in range(3):
        sent = await call(wrapped, http_scope(), b"{}")
        assert sent.status == 503
        assert b'"store_unavailable"' in sent.body


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_requests_on_loops_of_their_own_are_served(settings):
    wrapped = ProxyStoreMiddleware(FakeUpstream(), settings=settings)
    for _ in range(2):
        assert asyncio.run(call(wrapped, http_scope("/v1/models", method="GET"))).status == 200
    asyncio.run(wrapped.store.close())
    del wrapped
    gc.collect()  # connections of a loop that is gone can only be dropped, and say so


async def test_what_is_there_when_the_server_starts_is_spared_the_collector(settings):
    threshold = gc.get_threshold()
    gc.unfreeze()  # what the tests have spared it
    server = Server(ProxyStoreMiddleware(FakeUpstream(), settings=settings.model_copy(update={"gc_freeze": True})))
    try:
        assert await server.start() == {"type": "lifespan.startup.complete"}

        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[0] > threshold[0]
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
        await server.stop()
