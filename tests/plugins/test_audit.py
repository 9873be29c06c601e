"""The audit plugin between a client and a proxy, with a store on each database."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proxystore import Answer, AuditEvent, Denial, Exchange, Principal, ProxyStoreMiddleware, Settings, Store, hookimpl
from proxystore.exchange.asgi import ASGIApp
from proxystore.testing.asgi import Sent, call, exchange_messages, http_scope, websocket_scope
from proxystore.testing.upstream import FakeUpstream
from proxystore_audit import Audit
from tests.audit.world import tamper

_CHAT = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "one two three"}]}).encode()
_KEY = "psk_abcdefgh" + "s3cr3t" * 8 + "0"
_OF_REQUESTS = ("authenticate", "request", "request.open")
_TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Doorman:
    """Knows everybody or nobody, and answers as it is told."""

    name = "doorman"

    def __init__(
        self, decision: Answer | Denial | None = None, *, who: Principal | Denial | None = None, fails: bool = False
    ) -> None:
        self.decision = decision
        self.who = who
        self.fails = fails

    @hookimpl
    async def on_auth(self, exchange: Exchange) -> Principal | Denial | None:
        if self.fails:
            raise RuntimeError("broken")
        return self.who

    @hookimpl
    async def on_request(self, exchange: Exchange) -> Answer | Denial | None:
        return self.decision


_ADA = Principal(key_id="key_7", project_id="proj_7", name="ada")


def _denial(status: int, code: str) -> Denial:
    return Denial(status=status, code=code, message="No.")


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data", plugins=(), max_body_bytes=1000)


@asynccontextmanager
async def _wrapped(
    settings: Settings, *plugins: object, app: ASGIApp | None = None, **section: Any
) -> AsyncIterator[tuple[Store, ProxyStoreMiddleware]]:
    audit = Audit(Audit.Settings(**section))
    async with Store(settings=settings) as store:
        yield store, ProxyStoreMiddleware(app or FakeUpstream(), store=store, plugins=(audit, *plugins))


async def _ask(app: ProxyStoreMiddleware, *headers: tuple[bytes, bytes], body: bytes = _CHAT, **how: Any) -> Sent:
    return await call(app, http_scope(headers=headers, **how), body)


async def _events(store: Store) -> list[AuditEvent]:
    """Return the events of requests, the first recorded first."""
    assert await store.ledger.drain(10)
    assert (await store.audit.verify()).is_sound
    return [
        event async for event in store.audit.events() if event.action in ("authenticate", "request", "request.open")
    ]


@pytest.mark.parametrize(
    ("status", "code", "action", "outcome"),
    [
        (401, "invalid_api_key", "authenticate", "failure"),
        (402, "budget_exceeded", "request", "denied"),
        (403, "model_not_allowed", "request", "denied"),
        (413, "body_too_large", "request", "denied"),
        (429, "rate_limit_exceeded", "request", "denied"),
        (503, "store_unavailable", "request", "error"),
    ],
)
async def test_a_refusal_of_any_kind_is_an_event(
    settings: Settings, status: int, code: str, action: str, outcome: str
) -> None:
    async with _wrapped(settings, Doorman(_denial(status, code), who=_ADA)) as (store, app):
        sent = await _ask(app)
        (event,) = await _events(store)

    assert sent.status == status
    assert (event.action, event.outcome, event.reason) == (action, outcome, code)
    assert (event.key_id, event.project_id, event.actor) == ("key_7", "proj_7", "ada")
    assert event.metadata is not None
    assert (event.metadata["status"], event.metadata["plugin"]) == (status, "doorman")
    assert event.request_id == sent.headers[b"x-proxystore-request-id"].decode()


async def test_an_event_says_where_it_came_from(settings: Settings) -> None:
    headers = (b"user-agent", b"OpenAI/Python 2"), (b"traceparent", _TRACE), (b"x-request-id", b"theirs")
    async with _wrapped(settings, Doorman(who=_denial(401, "invalid_api_key"))) as (store, app):
        await _ask(app, *headers, query=b"key=" + _KEY.encode())
        await _ask(app, headers[2])
        first, second = await _events(store)

    assert (first.client_ip, first.method, first.path) == ("203.0.113.7", "POST", "/v1/chat/completions")
    assert (first.user_agent, first.correlation_id) == ("OpenAI/Python 2", "0af7651916cd43dd8448eb211c80319c")
    assert (second.user_agent, second.correlation_id) == (None, "theirs")


async def test_an_address_is_believed_only_from_a_trusted_proxy(settings: Settings) -> None:
    forged = (b"x-forwarded-for", b"198.51.100.9")
    for trusted, expected in ((), "203.0.113.7"), (["203.0.113.0/24"], "198.51.100.9"):
        changed = Settings(**{**settings.model_dump(), "trusted_proxies": trusted})
        async with _wrapped(changed, Doorman(who=_denial(401, "invalid_api_key"))) as (store, app):
            await _ask(app, forged)
            assert (await _events(store))[-1].client_ip == expected


async def test_no_secret_is_in_an_event(settings: Settings) -> None:
    """Wherever somebody puts one."""
    secrets = [_KEY, "sk-proj-" + "x" * 40, "AIza" + "y" * 35]
    async with _wrapped(settings, Doorman(who=_denial(401, "invalid_api_key"))) as (store, app):
        for secret in secrets:
            given = secret.encode()
            await _ask(app, (b"authorization", b"Bearer " + given), query=b"key=" + given)
            await _ask(app, (b"x-api-key", given), (b"user-agent", b"agent Bearer " + given), (b"x-request-id", given))
            await _ask(app, path=f"/v1/{secret}/models")
        events = await _events(store)

    told = repr(events)
    assert len(events) == 9
    assert not [secret for secret in secrets if secret in told or secret[15:] in told]
    assert [(event.metadata or {}).get("key") for event in events[:3]] == ["psk_abcdefgh…", "psk_abcdefgh…", None]


async def test_what_the_house_refuses_by_itself_is_an_event(settings: Settings) -> None:
    async with _wrapped(settings) as (store, app):
        await _ask(app, body=b"x" * 2000)
        (event,) = await _events(store)
    assert (event.outcome, event.reason) == ("denied", "body_too_large")

    async with _wrapped(settings, Doorman(fails=True)) as (store, app):
        await _ask(app)
        *_, event = await _events(store)
    assert (event.outcome, event.reason) == ("error", "store_unavailable")


@pytest.mark.parametrize(("requests", "expected"), [("none", []), ("denied", [402]), ("all", [200, 402, 404])])
async def test_requests_are_written_down_by_setting(settings: Settings, requests: str, expected: list[int]) -> None:
    doorman = Doorman(who=_ADA)
    async with _wrapped(settings, doorman, requests=requests) as (store, app):
        await _ask(app)
        doorman.decision = _denial(402, "budget_exceeded")
        await _ask(app)
        doorman.decision = None
        await _ask(app, body=_CHAT.replace(b"gpt-4o", b"gpt-none"))
        events = await _events(store)

    assert [(event.metadata or {})["status"] for event in events] == expected
    if requests == "all":
        assert [event.outcome for event in events] == ["success", "denied", "failure"]
        assert (events[0].metadata or {})["model"] == "gpt-4o"


async def test_a_probe_is_not_worth_an_event_unless_it_is_refused(settings: Settings) -> None:
    doorman = Doorman()
    async with _wrapped(settings, doorman, requests="all") as (store, app):
        await _ask(app, body=b"", path="/health", method="GET")
        doorman.who = _denial(401, "missing_api_key")
        await _ask(app, body=b"", path="/favicon.ico", method="GET")
        (event,) = await _events(store)

    assert (event.path, event.reason) == ("/favicon.ico", "missing_api_key")


async def test_a_refused_websocket_is_an_event(settings: Settings) -> None:
    async with _wrapped(settings, Doorman(who=_denial(401, "missing_api_key"))) as (store, app):
        await exchange_messages(app, websocket_scope("/v1/realtime"), [{"type": "websocket.connect"}])
        (event,) = await _events(store)

    assert (event.action, event.method, event.path) == ("authenticate", "GET", "/v1/realtime")


async def test_fail_closed_has_it_in_the_chain_before_the_proxy_is_called(settings: Settings) -> None:
    seen: list[list[str]] = []
    upstream = FakeUpstream()

    async def proxy(scope: Any, receive: Any, send: Any) -> None:
        async with Store(settings=settings) as another:
            seen.append([event.action async for event in another.audit.events() if event.key_id == "key_7"])
        await upstream(scope, receive, send)

    async with _wrapped(settings, Doorman(who=_ADA), mode="fail_closed", app=proxy) as (store, app):
        sent = await _ask(app)
        first, last = await _events(store)

    assert sent.status == 200
    assert seen == [["request.open"]]
    assert (first.action, last.action) == ("request.open", "request")
    assert first.request_id == last.request_id
    assert (last.metadata or {})["status"] == 200


async def test_fail_closed_refuses_what_cannot_be_written_down_at_its_own_deadline(
    settings: Settings,
) -> None:
    async with _wrapped(settings, Doorman(who=_ADA), mode="fail_closed", deadline=1.0) as (store, app):
        assert (await _ask(app)).status == 200
        await tamper(settings, "ALTER TABLE audit_head RENAME TO away")
        refused = await _ask(app)
        socket = await exchange_messages(app, websocket_scope("/ws"), [{"type": "websocket.connect"}])
        await tamper(settings, "ALTER TABLE away RENAME TO audit_head")
        assert await store.ledger.drain(20)  # its writer, too, has noticed
        assert (await _ask(app)).status == 200
        events = await _events(store)

    assert refused.status == socket.status == 503
    assert b"audit_unavailable" in refused.body
    assert [event.reason for event in events if event.outcome == "error"] == ["audit_unavailable"] * 2


async def test_fail_open_lets_requests_pass_and_writes_them_down_later(settings: Settings) -> None:
    async with _wrapped(settings, Doorman(who=_ADA), requests="all") as (store, app):
        assert (await _ask(app)).status == 200
        await tamper(settings, "ALTER TABLE audit_head RENAME TO away")
        assert (await _ask(app)).status == 200
        await tamper(settings, "ALTER TABLE away RENAME TO audit_head")
        events = await _events(store)

    assert [event.outcome for event in events] == ["success", "success"]


async def test_what_is_set_is_written_down_where_it_has_changed(settings: Settings) -> None:
    async def start(**changes: Any) -> list[AuditEvent]:
        changed = Settings(**{**settings.model_dump(exclude_unset=True), **changes})
        async with _wrapped(changed) as (store, app):
            await _ask(app)
            return await store.audit.list(limit=10, action="settings.change")

    assert len(await start(pepper="a secret of enough characters to be one")) == 1
    assert len(await start(pepper="a secret of enough characters to be one")) == 1
    last, first = await start(pepper="another secret of enough characters", events_keep=7)

    assert (first.metadata or {})["changed"] == []
    assert (last.metadata or {})["changed"] == ["events_keep", "pepper"]
    assert "secret" not in repr((first, last))


async def test_workers_that_start_together_write_a_change_down_once(settings: Settings) -> None:
    import asyncio

    async with Store(settings=settings) as one, Store(settings=settings) as two:
        told = await asyncio.gather(*(store.audit.record_settings(settings) for store in (one, two)))
        assert len(await one.audit.list(limit=10, action="settings.change")) == 1

    assert sorted(told) in ([False, True], [False, False, True])
