"""The response cache over real sockets: processes that share it, official clients, a stampede."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from proxystore import Settings, Store
from tests import clients
from tests.faults.workers import Nursery, nursery

pytestmark = pytest.mark.xdist_group("clients")

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello there"}]}
WANTED = {"cache-control": "max-age=3600", "host": "proxy"}  # workers of one server have one port


@pytest.fixture(name="nursery", scope="module")
def _nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery(tmp_path_factory.mktemp("nursery") / "workers.log") as made:
        yield made


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=migrated_url, data_dir=tmp_path / "data", plugins=("usage", "cache"))


def _ask(port: int, **more: object) -> httpx.Response:
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    return httpx.post(url, json=CHAT | more, headers=WANTED, timeout=30)


async def _outcomes(settings: Settings) -> Counter[str]:
    async with Store(settings=settings) as store:
        assert await store.ledger.drain(30)
        return Counter(event.outcome for event in await store.usage.list(limit=1000))


async def test_workers_share_and_a_restarted_one_answers_from_disk_at_once(settings, nursery):
    one, two = nursery.spawn(settings), nursery.spawn(settings)
    first = _ask(one.port)
    assert first.headers["x-cache"] == "MISS"
    assert _ask(two.port).headers["x-cache"] == "HIT"
    assert await two.stop() in (0, -15)
    await one.kill()
    three = nursery.spawn(settings)
    again = _ask(three.port)
    assert again.headers["x-cache"] == "HIT"
    assert again.content == first.content
    await three.stop()


async def test_a_stampede_makes_one_call(settings, nursery):
    workers = [nursery.spawn(settings, delay=0.05) for _ in range(2)]
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(headers=WANTED, timeout=60, limits=limits) as client:

        async def ask(number: int) -> bytes:
            url = f"http://127.0.0.1:{workers[number % 2].port}/v1/chat/completions"
            response = await client.post(url, json=CHAT | {"stream": True})
            assert response.status_code == 200
            return response.content

        answers = await asyncio.gather(*(ask(number) for number in range(200)))
    for worker in workers:
        await worker.stop()

    assert len(set(answers)) == 1
    assert await _outcomes(settings) == {"complete": 1, "cached": 199}


async def test_a_killed_leader_is_replaced(settings, nursery):
    one, two = nursery.spawn(settings, delay=5), nursery.spawn(settings)
    _ask_models(one.port)
    _ask_models(two.port)
    async with httpx.AsyncClient(headers=WANTED, timeout=60) as client:
        body = CHAT | {"stream": True}

        async def ask(port: int) -> httpx.Response:
            return await client.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body)

        async with client.stream("POST", f"http://127.0.0.1:{one.port}/v1/chat/completions", json=body) as leading:
            assert leading.headers["x-cache"] == "MISS"
            waiting = asyncio.create_task(ask(two.port))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await one.kill()
            answer = await waiting
    assert answer.status_code == 200
    assert answer.content.endswith(b"data: [DONE]\n\n")
    await two.stop()


def _ask_models(port: int) -> None:
    assert httpx.get(f"http://127.0.0.1:{port}/v1/models", timeout=30).status_code == 200


async def test_official_clients_cannot_tell_a_replay(settings, nursery):
    worker = nursery.spawn(settings)
    base = f"http://127.0.0.1:{worker.port}"
    seen = [(_with_openai(base), _with_anthropic(base)) for _ in range(2)]
    await worker.stop()

    assert seen[0] == seen[1]
    outcomes = await _outcomes(settings)
    assert outcomes["complete"] == outcomes["cached"] == 6


def _with_openai(base: str) -> str:
    with clients.openai.OpenAI(
        base_url=f"{base}/v1", api_key="sk-unused", max_retries=0, default_headers={"cache-control": "max-age=3600"}
    ) as client:
        told = [
            client.chat.completions.create(**CHAT).model_dump(),
            [chunk.model_dump() for chunk in client.chat.completions.create(**CHAT, stream=True)],
            [
                chunk.model_dump()
                for chunk in client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True})
            ],
            client.embeddings.create(model="text-embedding-3-small", input=["a", "b c"]).model_dump(),
        ]
    return json.dumps(told, default=str)


def _with_anthropic(base: str) -> str:
    asked = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": CHAT["messages"]}
    with clients.anthropic.Anthropic(
        base_url=base, api_key="sk-unused", max_retries=0, default_headers={"cache-control": "max-age=3600"}
    ) as client:
        told = [client.messages.create(**asked).model_dump()]
        with client.messages.stream(**asked) as stream:
            told.append([event.model_dump() for event in stream])
    return json.dumps(told, default=str)
