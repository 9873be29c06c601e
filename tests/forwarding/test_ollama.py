"""Ollama behind ``proxystore forward``, asked in its own words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx
import pytest

from proxystore import Price, ProxyStoreMiddleware, Settings, Store
from proxystore.forwarding import ReverseProxy
from proxystore.settings import ForwardSettings
from proxystore.testing.serving import serving
from proxystore.testing.upstream import ANSWER, FakeUpstream
from tests.forwarding.test_leaving import Watching, leave
from tests.forwarding.world import entered, served, upstream

_MODEL = "llama3:8b"
_CHAT = {"model": _MODEL, "messages": [{"role": "user", "content": "hello there"}], "options": {"num_predict": 9}}
_WORD = b'{"model":"llama3:8b","created_at":"2023-08-04T08:52:19Z","message":{"content":"The"},"done":false}\n'
_BEGUN = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture(name="settings")
def _settings(migrated_url, tmp_path) -> Settings:
    return Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data")


async def _key(settings: Settings, **options) -> dict[str, str]:
    async with Store(settings=settings) as store:
        await store.models.create(_MODEL, provider="ollama", prices=[Price.of(input="1000000", output="1000000")])
        return {"authorization": f"Bearer {(await store.keys.create(name='a test', **options)).secret}"}


@asynccontextmanager
async def _ollama(settings: Settings, headers: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    async with entered(serving(FakeUpstream(models=(_MODEL, "gpt-4o")))) as there:
        proxy = ReverseProxy(ForwardSettings(url=there))
        async with (
            served(ProxyStoreMiddleware(proxy, settings=settings)) as url,
            httpx.AsyncClient(base_url=url, headers=headers) as client,
        ):
            yield client


async def _events(settings: Settings):
    async with Store(settings=settings) as store:
        assert await store.ledger.drain(10)
        return (await store.usage.list(limit=10))[::-1]


@pytest.mark.parametrize(("path", "word"), [("/api/chat", "message"), ("/api/generate", "response")])
async def test_a_budget_holds_and_every_token_is_counted(settings, path, word):
    headers = await _key(settings, monthly_budget=Decimal(75))
    async with _ollama(settings, headers) as client:
        answers = [await client.post(path, json=_CHAT | {"prompt": "hello there"}) for _ in range(7)]

    given, refused = answers[:3], answers[-1]
    said = [json.loads(line)[word] for line in given[0].text.splitlines()]
    assert "".join(each if isinstance(each, str) else each["content"] for each in said) == ANSWER
    assert [each.headers["content-type"] for each in given] == ["application/x-ndjson"] * 3
    assert refused.status_code == 402
    assert "budget" in refused.json()["error"].lower()
    events = [each for each in await _events(settings) if each.status == 200]
    assert {(each.input_tokens, each.output_tokens, each.quality, each.cost) for each in events} == {
        (2, 9, "reported", Decimal(11))
    }
    assert {(each.provider_name, each.request_model, each.response_model) for each in events} == {
        ("ollama", _MODEL, _MODEL)
    }
    assert 3 <= len(events) <= 6  # eleven dollars each


async def test_the_older_embeddings_that_tell_nothing_are_no_way_around_a_limit(settings):
    headers = await _key(settings, tokens_per_minute=25)
    async with _ollama(settings, headers) as client:
        asked = {"model": _MODEL, "prompt": "sixteen bytes it"}
        statuses = [(await client.post("/api/embeddings", json=asked)).status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]
    event, *_ = await _events(settings)
    assert (event.operation_name, event.input_tokens, event.quality) == ("embeddings", 4, "estimated")


async def test_models_hold_and_lists_are_shorter(settings):
    headers = await _key(settings, models=[_MODEL])
    async with _ollama(settings, headers) as client:
        asked = [await client.post("/api/chat", json=_CHAT | {"model": model}) for model in (_MODEL, "gpt-4o")]
        pulled = await client.post("/api/pull", json={"model": _MODEL})
        listed = await client.get("/api/tags")

    assert [each.status_code for each in asked] == [200, 403]
    assert asked[1].json() == {"error": "This API key may not use the model 'gpt-4o'."}
    assert pulled.status_code == 403
    assert [each["name"] for each in listed.json()["models"]] == [_MODEL]


async def test_what_was_said_to_a_client_that_leaves_is_estimated(settings):
    headers = await _key(settings)
    body = json.dumps(_CHAT).encode()
    head = f"POST /api/chat HTTP/1.1\r\nhost: x\r\nauthorization: {headers['authorization']}\r\n"
    request = head.encode() + b"content-length: %d\r\n\r\n%b" % (len(body), body)
    watching = Watching(_BEGUN + b"%x\r\n%b\r\n" % (len(_WORD), _WORD) * 3, reads=body[-4:])
    async with upstream(watching) as there:
        proxy = ReverseProxy(ForwardSettings(url=there))
        async with served(ProxyStoreMiddleware(proxy, settings=settings)) as url:
            await asyncio.wait_for(leave(url, watching, request, b'"done":false}'), 20)

    (event,) = await _events(settings)
    assert (event.outcome, event.quality, event.request_model) == ("disconnected", "estimated", _MODEL)
    assert event.input_tokens == 3
    assert 1 <= event.output_tokens <= 3
