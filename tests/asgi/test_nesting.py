"""Several middlewares in one process."""

from __future__ import annotations

from proxystore import ProxyStoreMiddleware, Settings, Store, hookimpl
from proxystore.testing.asgi import call, http_scope
from proxystore.testing.upstream import FakeUpstream

_BODY = b'{"model":"gpt-4o","messages":[]}'


async def test_an_exchange_that_passed_one_is_not_counted_by_a_second(wrap, settings, witness):
    inner = ProxyStoreMiddleware(FakeUpstream(), settings=settings, plugins=[witness])
    async with wrap(inner) as outer:
        sent = await call(outer, http_scope(), _BODY)

    assert sent.status == 200
    assert len(witness.recorded) == 1


async def test_two_side_by_side_share_nothing(settings, tmp_path):
    class Counter:
        def __init__(self) -> None:
            self.count = 0

        @hookimpl
        def on_usage(self) -> None:
            self.count += 1

    other = Settings(**{**settings.model_dump(), "database_url": f"sqlite:///{tmp_path}/other.db"})
    async with Store(settings=settings) as one, Store(settings=other) as two:
        first = ProxyStoreMiddleware(FakeUpstream(), store=one, plugins=[Counter])
        second = ProxyStoreMiddleware(FakeUpstream(), store=two, plugins=[Counter])
        await call(first, http_scope(), _BODY)
        await call(first, http_scope(), _BODY)
        await call(second, http_scope(), _BODY)

        assert (first.store, second.store) == (one, two)
        counters = [middleware.plugins.find("counter") for middleware in (first, second)]
        assert [counter.count for counter in counters] == [2, 1]
