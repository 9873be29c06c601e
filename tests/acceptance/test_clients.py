"""The official client, over real sockets, through a wrapped proxy; then the books."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proxystore import ProxyStoreMiddleware, Settings, Store
from proxystore.testing.serving import serving
from proxystore.testing.upstream import ANSWER, FakeUpstream
from tests import clients
from tests.keys import make_key

pytestmark = pytest.mark.xdist_group("clients")


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data")


@pytest.fixture(name="key")
def _key(settings: Settings) -> str:
    return make_key(settings)


def _client(base: str, key: str):
    return clients.openai.OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0)


def _events(settings: Settings) -> list:
    async def read():
        async with Store(settings=settings) as store:
            assert await store.ledger.drain(10)
            return await store.usage.list(limit=100)

    return asyncio.run(read())


def _ask(client: clients.openai.OpenAI, **more: object):
    return client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hello there"}], **more)


def _streamed(client: clients.openai.OpenAI, **more: object) -> list:
    return list(_ask(client, stream=True, **more))


def test_what_the_client_sees_is_what_it_would_see_without(settings, key):
    answers = []
    for app in (FakeUpstream(), ProxyStoreMiddleware(FakeUpstream(), settings=settings)):
        with serving(app) as base, _client(base, key) as client:
            answers.append(
                [
                    _ask(client).model_dump(),
                    [chunk.model_dump() for chunk in _streamed(client)],
                    [chunk.model_dump() for chunk in _streamed(client, stream_options={"include_usage": True})],
                    client.embeddings.create(model="text-embedding-3-small", input=["a", "b c"]).model_dump(),
                    client.completions.create(model="gpt-4o-mini", prompt="hello").model_dump(),
                    [model.id for model in client.models.list()],
                ]
            )

    bare, wrapped = answers
    for chunk in wrapped[1]:
        chunk.pop("usage", None)
    for chunk in bare[1]:
        chunk.pop("usage", None)
    assert wrapped == bare


def test_every_answer_is_in_the_books(settings, key):
    with serving(ProxyStoreMiddleware(FakeUpstream(), settings=settings)) as base, _client(base, key) as client:
        assert _ask(client).choices[0].message.content == ANSWER
        chunks = _streamed(client)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
        assert all(chunk.choices for chunk in chunks)
        client.embeddings.create(model="text-embedding-3-small", input="one two three")
        with pytest.raises(clients.openai.NotFoundError):
            client.chat.completions.create(model="gpt-5000", messages=[])
        client.models.list()

    told = [
        (each.operation_name, each.request_model, each.input_tokens, each.output_tokens, each.status, each.outcome)
        for each in reversed(_events(settings))
    ]
    assert told == [
        ("chat", "gpt-4o", 2, 9, 200, "complete"),
        ("chat", "gpt-4o", 2, 9, 200, "complete"),
        ("embeddings", "text-embedding-3-small", 3, 0, 200, "complete"),
        ("chat", "gpt-5000", 0, 0, 404, "failed"),
    ]


def test_a_client_that_goes_away_in_the_middle_leaves_one_record(settings, key):
    app = ProxyStoreMiddleware(FakeUpstream(delay=0.05), settings=settings)
    with serving(app) as base, _client(base, key) as client:
        stream = _ask(client, stream=True)
        next(iter(stream))
        stream.close()

    (event,) = _events(settings)
    assert event.outcome == "disconnected"


def test_many_at_once_are_all_counted(settings, key):
    async def ask_all(base: str) -> None:
        async with clients.openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0) as client:
            await asyncio.gather(
                *(
                    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])
                    for _ in range(50)
                )
            )

    with serving(ProxyStoreMiddleware(FakeUpstream(), settings=settings)) as base:
        asyncio.run(ask_all(base))

    events = _events(settings)
    assert len({event.event_id for event in events}) == 50
    assert {event.output_tokens for event in events} == {9}
