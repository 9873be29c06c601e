"""The audit plugin beside the others that are bundled: what they refuse is in the trail, and no key's secret is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxystore import AuditEvent, ProxyStoreMiddleware, Settings, Store
from proxystore.testing.asgi import Sent, call, http_scope
from proxystore.testing.upstream import FakeUpstream

_BUNDLED = ("audit", "keys", "limits", "usage")


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data", plugins=_BUNDLED, auth="require")


@asynccontextmanager
async def _wrapped(settings: Settings) -> AsyncIterator[tuple[Store, ProxyStoreMiddleware]]:
    async with Store(settings=settings) as store:
        app = ProxyStoreMiddleware(FakeUpstream(), store=store)
        yield store, app
        await app._keeper.close()


async def _ask(app: ProxyStoreMiddleware, secret: str, model: str = "gpt-4o") -> Sent:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}]}).encode()
    return await call(app, http_scope(headers=[(b"authorization", b"Bearer " + secret.encode())]), body)


async def _refused(store: Store) -> list[AuditEvent]:
    assert await store.ledger.drain(10)
    return [event async for event in store.audit.events() if event.action in ("authenticate", "request")]


async def test_who_may_not_is_in_the_trail_with_the_reason_and_without_the_secret(settings: Settings) -> None:
    async with _wrapped(settings) as (store, app):
        narrow = await store.keys.create(name="narrow", models=["gpt-5"], actor="ada")
        limited = await store.keys.create(name="limited", max_requests=1, actor="ada")
        revoked = await store.keys.create(name="revoked", actor="ada")
        await store.keys.revoke(revoked.record.id, actor="ada")
        await store.follower.fresh()

        sent = [
            await _ask(app, narrow.secret),
            await _ask(app, limited.secret),
            await _ask(app, limited.secret),
            await _ask(app, revoked.secret),
            await _ask(app, "psk_nonsense"),
        ]
        events = await _refused(store)
        verdict = await store.audit.verify()

    assert [each.status for each in sent] == [403, 200, 429, 401, 401]
    assert [event.reason for event in events][:2] == ["model_not_allowed", "quota_exceeded"]
    assert [event.key_id for event in events][:2] == [narrow.record.id, limited.record.id]
    assert [event.outcome for event in events] == ["denied", "denied", "failure", "failure"]
    assert [event.action for event in events[2:]] == ["authenticate", "authenticate"]
    assert verdict.is_sound
    told = repr(events)
    assert not [new for new in (narrow, limited, revoked) if new.secret[12:] in told]
    assert (events[2].metadata or {})["key"] == f"{revoked.secret[:12]}…"
