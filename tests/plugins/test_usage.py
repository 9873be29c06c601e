"""The usage plugin between a client and a proxy, with a store on each database."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from proxystore import Answer, Cost, Denial, Exchange, Principal, ProxyStoreMiddleware, Settings, Store, Usage, hookimpl
from proxystore.exchange.asgi import ASGIApp, Receive, Scope, Send
from proxystore.testing.asgi import Sent, call, exchange_messages, http_scope, websocket_scope
from proxystore.testing.upstream import FakeUpstream
from proxystore_usage import Usage as UsagePlugin

_CHAT = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "one two three"}]}).encode()


_Wrapped: TypeAlias = tuple[Store, ProxyStoreMiddleware]


class Doorman:
    """Knows everybody, and answers as it is told."""

    name = "doorman"

    def __init__(self, decision: Answer | Denial | None = None, *, is_known: bool = True) -> None:
        self.decision = decision
        self.is_known = is_known

    @hookimpl
    async def on_auth(self, exchange: Exchange) -> Principal | None:
        return Principal(key_id="key_7", project_id="proj_7") if self.is_known else None

    @hookimpl
    async def on_request(self, exchange: Exchange) -> Answer | Denial | None:
        return self.decision


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data", plugins=())


@asynccontextmanager
async def _wrapped(settings: Settings, app: ASGIApp, *plugins: object) -> AsyncIterator[_Wrapped]:
    async with Store(settings=settings) as store:
        yield store, ProxyStoreMiddleware(app, store=store, plugins=(UsagePlugin, *plugins))


async def _recorded(store: Store) -> list[dict[str, object]]:
    assert await store.ledger.drain(10)
    return [
        {name: getattr(event, name) for name in event.__struct_fields__} for event in await store.usage.list(limit=100)
    ]


async def _ask(app: ProxyStoreMiddleware, body: bytes = _CHAT, path: str = "/v1/chat/completions", **how: str) -> Sent:
    return await call(app, http_scope(path, **how), body)  # type: ignore[arg-type]


async def test_a_chat_is_one_event_with_all_there_is_to_know(settings: Settings) -> None:
    async with _wrapped(settings, FakeUpstream(), Doorman()) as (store, app):
        await _ask(app)
        (event,) = await _recorded(store)
    assert (event["key_id"], event["project_id"], event["credential_id"]) == ("key_7", "proj_7", None)
    assert (event["provider_name"], event["operation_name"]) == ("openai", "chat")
    assert (event["request_model"], event["response_model"]) == ("gpt-4o", "gpt-4o-2024-08-06")
    assert (event["status"], event["outcome"], event["quality"]) == (200, "complete", "reported")
    assert (event["input_tokens"], event["output_tokens"], event["cost_nanousd"]) == (3, 9, 97_500)
    assert 0 <= event["first_byte_ms"] <= event["latency_ms"]  # type: ignore[operator]


async def test_what_the_upstream_refuses_is_an_error_by_the_model_that_was_asked_for(settings: Settings) -> None:
    async with _wrapped(settings, FakeUpstream()) as (store, app):
        await _ask(app, _CHAT.replace(b"gpt-4o", b"gpt-none"))
        (event,) = await _recorded(store)
        (summary,) = await store.usage.summary("model")
    assert (event["status"], event["request_model"], event["response_model"]) == (404, "gpt-none", None)
    assert (summary.errors, summary.successes) == (1, 0)


@pytest.mark.parametrize(
    ("path", "method", "count"),
    [
        ("/v1/chat/completions", "POST", 1),
        ("/v1/images/generations", "POST", 1),
        ("/anything", "PUT", 1),
        ("/v1/models", "GET", 0),
        ("/static/logo.png", "HEAD", 0),
        ("/v1/chat/completions", "OPTIONS", 0),
        ("/health", "GET", 0),
    ],
)
async def test_pages_probes_and_preflights_are_no_events(
    settings: Settings, path: str, method: str, count: int
) -> None:
    async with _wrapped(settings, FakeUpstream()) as (store, app):
        await _ask(app, path=path, method=method)
        assert len(await _recorded(store)) == count


@pytest.mark.parametrize(
    ("path", "is_known", "count"),
    [("/v1/chat/completions", True, 1), ("/v1/chat/completions", False, 0), ("/anything", True, 0)],
)
async def test_refusals_are_events_of_somebody_who_asked_a_model(
    settings: Settings, path: str, is_known: bool, count: int
) -> None:
    denial = Denial(status=429, code="rate_limit_exceeded", message="Slow down.")
    async with _wrapped(settings, FakeUpstream(), Doorman(denial, is_known=is_known)) as (store, app):
        assert (await _ask(app, path=path)).status == 429
        events = await _recorded(store)
    assert [(event["outcome"], event["status"]) for event in events] == [("refused", 429)] * count


async def test_an_answer_of_a_plugin_is_a_hit_with_its_usage(settings: Settings) -> None:
    answer = Answer(chunks=(b"{}",), usage=Usage(output_tokens=4, quality="reported"))
    async with _wrapped(settings, FakeUpstream(), Doorman(answer)) as (store, app):
        await _ask(app)
        (event,) = await _recorded(store)
    assert (event["outcome"], event["output_tokens"]) == ("cached", 4)


async def test_a_proxy_that_raises_is_a_failed_event(settings: Settings) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("broken")

    async with _wrapped(settings, broken) as (store, app):
        with pytest.raises(RuntimeError):
            await _ask(app)
        (event,) = await _recorded(store)
    assert (event["outcome"], event["request_model"]) == ("failed", "gpt-4o")


async def test_the_beginning_is_journaled_before_the_proxy_is_called(settings: Settings) -> None:
    journals: list[bytes] = []

    async def looking(scope: Scope, receive: Receive, send: Send) -> None:
        journals.extend(path.read_bytes() for path in (settings.data_dir / "journal").glob("*/*.seg"))
        await FakeUpstream()(scope, receive, send)

    async with _wrapped(settings, looking) as (store, app):
        await _ask(app)
        (event,) = await _recorded(store)
    assert str(event["event_id"]).encode() in journals[0]


@pytest.mark.parametrize("is_streaming", [False, True])
async def test_why_for_whom_and_within_which_trace_is_kept(settings: Settings, is_streaming: bool) -> None:
    class Notes:
        name = "notes"

        @hookimpl
        def on_request(self, exchange: Exchange) -> None:
            exchange.metadata["team"] = "search"

    body = json.loads(_CHAT) | {"user": "ada@example.org", "stream": is_streaming}
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with _wrapped(settings, FakeUpstream(), Notes()) as (store, app):
        await _ask(app, json.dumps(body).encode(), headers=[(b"traceparent", trace.encode())])
        await _ask(app, json.dumps(body).encode(), headers=[(b"traceparent", b"nonsense")])
        first, second = sorted(await _recorded(store), key=lambda event: event["traceparent"] is None)
    assert (first["finish_reason"], first["traceparent"]) == ("stop", trace)
    assert first["metadata"] == {"team": "search"}
    assert (second["traceparent"], second["end_user"]) == (None, first["end_user"])
    assert "ada" not in str(first["end_user"])
    assert len(str(first["end_user"])) == 12


@pytest.mark.parametrize(("mode", "kept"), [("plain", "ada@example.org"), ("off", None)])
async def test_end_users_are_kept_as_the_setting_says(settings: Settings, mode: str, kept: str | None) -> None:
    plugin = UsagePlugin(UsagePlugin.Settings(end_user=mode))
    async with Store(settings=settings) as store:
        app = ProxyStoreMiddleware(FakeUpstream(), store=store, plugins=(plugin,))
        await _ask(app, json.dumps(json.loads(_CHAT) | {"user": "ada@example.org"}).encode())
        (event,) = await _recorded(store)
    assert event["end_user"] == kept


async def test_what_a_hit_would_have_cost_is_saved(settings: Settings) -> None:
    class Prices:
        name = "prices"

        @hookimpl(tryfirst=True)
        def on_usage(self, exchange: Exchange) -> None:
            exchange.cost = Cost(nanousd=500)

    async with _wrapped(settings, FakeUpstream(), Doorman(Answer(chunks=(b"{}",))), Prices()) as (store, app):
        await _ask(app)
        (event,) = await _recorded(store)
    assert (event["cost_nanousd"], event["saved_nanousd"]) == (0, 500)


async def test_a_websocket_is_one_event(settings: Settings) -> None:
    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})

    async with _wrapped(settings, echo) as (store, app):
        await exchange_messages(app, websocket_scope("/ws"), [{"type": "websocket.connect"}])
        (event,) = await _recorded(store)
    assert (event["provider_name"], event["status"]) == ("unknown", 101)


async def test_with_a_full_journal_calls_get_503_and_pages_pass(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = FakeUpstream()
    async with _wrapped(settings, upstream) as (_, app):
        monkeypatch.setattr("proxystore.ledger.ledger.Ledger.is_writable", False)
        refused = await _ask(app)
        passed = await _ask(app, path="/v1/models", method="GET")
        monkeypatch.undo()
    assert (refused.status, passed.status) == (503, 200)
    assert json.loads(refused.body)["error"]["code"] == "journal_full"
    assert [seen.path for seen in upstream.seen] == ["/v1/models"]
