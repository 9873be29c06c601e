"""With real keys: who shares answers, and what a key or its project may choose."""

from __future__ import annotations

import pytest

from proxystore import ProxyStoreMiddleware, Store
from tests.response_cache.world import CHAT, ask, said


def _bearer(key) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {key.secret}".encode()


@pytest.fixture(name="settings")
def _settings(settings):
    return settings.model_copy(update={"plugins": ("keys", "limits", "usage", "cache")})


async def test_keys_of_a_project_share_answers_and_nobody_else_sees_them(settings, proxy):
    async with Store(settings=settings) as store:
        one = await store.projects.create(name="one")
        two = await store.projects.create(name="two")
        first, second = [await store.keys.create(name=name, project=one.id) for name in "ab"]
        stranger = await store.keys.create(name="c", project=two.id)
        alone = await store.keys.create(name="d")
        app = ProxyStoreMiddleware(proxy, store=store)

        assert said(await ask(app, CHAT, _bearer(first))) == "MISS"
        assert said(await ask(app, CHAT, _bearer(second))) == "HIT"
        assert said(await ask(app, CHAT, (b"x-api-key", second.secret.encode()))) == "HIT"
        assert said(await ask(app, CHAT, _bearer(stranger))) == "MISS"
        assert said(await ask(app, CHAT, _bearer(alone))) == "MISS"
        refused = await ask(app, CHAT)
        assert (refused.status, said(refused)) == (401, None)
        assert await store.ledger.drain(10)
        found = await store.keys.get(second.record.id)

    assert (found.request_count, found.cache_hit_count) == (0, 2)  # none of its own was let through
    assert proxy.count == 3


async def test_key_and_project_choose_whether_their_answers_are_cached(settings, proxy):
    async with Store(settings=settings) as store:
        project = await store.projects.create(name="one", settings={"cache_ttl": 600})
        plain = await store.keys.create(name="plain", project=project.id)
        never = await store.keys.create(name="never", project=project.id, settings={"cache_ttl": 0})
        app = ProxyStoreMiddleware(proxy, store=store)

        answers = [await ask(app, CHAT, _bearer(plain), wish=None) for _ in range(2)]
        assert [said(each) for each in answers] == ["MISS", "HIT"]
        assert answers[1].headers[b"cache-status"] in (b"proxystore; hit; ttl=600", b"proxystore; hit; ttl=599")
        assert said(await ask(app, CHAT, _bearer(never), wish=None)) == "BYPASS"


async def test_model_that_is_not_allowed_is_refused_before_the_cache_is_asked(settings, proxy):
    async with Store(settings=settings) as store:
        project = await store.projects.create(name="one")
        free = await store.keys.create(name="free", project=project.id)
        bound = await store.keys.create(name="bound", project=project.id, models=["gpt-4o-mini"])
        app = ProxyStoreMiddleware(proxy, store=store)
        await ask(app, CHAT, _bearer(free))
        refused = await ask(app, CHAT, _bearer(bound))

    assert (refused.status, said(refused)) == (403, None)


async def test_imported_keys_that_the_proxy_knows_share_nothing(settings, proxy):
    async with Store(settings=settings) as store:
        project = await store.projects.create(name="one")
        secrets = [f"sk-proj-9{letter}Qx7mVt2LrZ8wKc4NpYbH6sJdG3fEaUo5TiXqW1vRnM" for letter in "Ab"]
        for secret in secrets:
            await store.keys.import_key(secret, name=secret[9], project=project.id)
        app = ProxyStoreMiddleware(proxy, store=store)
        answers = [await ask(app, CHAT, (b"authorization", f"Bearer {secret}".encode())) for secret in secrets]

    assert [said(each) for each in answers] == ["MISS", "MISS"]
