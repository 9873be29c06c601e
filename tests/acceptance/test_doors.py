"""The ways an existing proxy puts the middleware on."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from proxystore import ProxyStoreMiddleware, Settings, Store
from proxystore.testing.serving import serving
from proxystore.testing.upstream import FakeUpstream
from tests import born
from tests.keys import make_key

_ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    return Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data")


@pytest.fixture(name="ours")
def _ours(settings: Settings) -> dict[str, str]:
    """The header that lets a request in."""
    return {"authorization": f"Bearer {make_key(settings)}"}


def _count(settings: Settings) -> int:
    async def read() -> int:
        async with Store(settings=settings) as store:
            await store.ledger.drain(10)
            return len(await store.usage.list(limit=100))

    return asyncio.run(read())


async def _chat(request: Request) -> JSONResponse:
    asked = await request.json()
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return JSONResponse({"model": asked["model"], "choices": [], "usage": usage})


def _starlette(settings: Settings) -> Starlette:
    app = Starlette(routes=[Route("/v1/chat/completions", _chat, methods=["POST"])])
    app.add_middleware(ProxyStoreMiddleware, settings=settings)
    return app


def _fastapi(settings: Settings) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat(asked: dict) -> dict:
        return {"model": asked["model"], "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}

    app.add_middleware(ProxyStoreMiddleware, settings=settings)
    return app


def _plain(settings: Settings) -> ProxyStoreMiddleware:
    return ProxyStoreMiddleware(FakeUpstream(), settings=settings)


@pytest.mark.parametrize("make", [_starlette, _fastapi, _plain])
def test_a_wrapped_app_is_recorded(settings, ours, make):
    with serving(make(settings)) as base:
        answer = httpx.post(f"{base}/v1/chat/completions", json=_ASKED, headers=ours)

    assert answer.status_code == 200
    assert answer.headers["x-proxystore-request-id"]
    assert _count(settings) == 1


def test_a_class_added_by_name_without_arguments_reads_the_environment(settings, ours, monkeypatch):
    """What ``vllm serve --middleware proxystore.ProxyStoreMiddleware`` does with the name it is given."""
    monkeypatch.setenv("PROXYSTORE_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PROXYSTORE_DATA_DIR", str(settings.data_dir))
    module, _, name = "proxystore.ProxyStoreMiddleware".rpartition(".")
    app = FastAPI()
    app.router.routes.append(Route("/v1/chat/completions", _chat, methods=["POST"]))
    app.add_middleware(getattr(import_module(module), name))

    with serving(app) as base:
        assert httpx.post(f"{base}/v1/chat/completions", json=_ASKED, headers=ours).status_code == 200

    assert _count(settings) == 1


_MOUNTED = """
from proxystore import ProxyStoreMiddleware
from proxystore.testing.upstream import FakeUpstream
from starlette.applications import Starlette
from starlette.routing import Mount

app = Starlette(routes=[Mount("/v1", ProxyStoreMiddleware(FakeUpstream()))])
"""


def test_a_mounted_app_is_recorded_and_its_process_ends(settings, ours, tmp_path):
    """A server does not tell a mounted application of its lifespan: the first request opens, nobody closes."""
    (tmp_path / "mounted.py").write_text(_MOUNTED)
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    told = {"PROXYSTORE_DATABASE_URL": settings.database_url, "PROXYSTORE_DATA_DIR": str(settings.data_dir)}
    command = [sys.executable, "-m", "uvicorn", "mounted:app", "--fd", str(listening.fileno())]
    with born.Popen(command, cwd=tmp_path, env={**os.environ, **told}, pass_fds=[listening.fileno()]) as server:
        answer = httpx.post(f"{address}/v1/chat/completions", json=_ASKED, headers=ours, timeout=30)
        server.terminate()
        server.wait(20)
    listening.close()

    assert answer.status_code == 200
    assert _count(settings) == 1


def test_chunks_arrive_while_the_proxy_is_still_producing(settings, ours):
    """The next chunk is made only when the client has seen the last one."""
    seen = asyncio.Event()
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat() -> StreamingResponse:
        async def produce():
            yield b'data: {"n":0}\n\n'
            await asyncio.wait_for(seen.wait(), 20)
            yield b"data: [DONE]\n\n"

        return StreamingResponse(produce(), media_type="text/event-stream")

    @app.post("/seen")
    async def note() -> None:
        seen.set()

    app.add_middleware(ProxyStoreMiddleware, settings=settings)
    asked = {**_ASKED, "stream": True}
    with (
        serving(app) as base,
        httpx.Client(base_url=base, headers=ours, timeout=30) as client,
        client.stream("POST", "/v1/chat/completions", json=asked) as answer,
    ):
        pieces = answer.iter_bytes()
        assert next(pieces) == b'data: {"n":0}\n\n'
        client.post("/seen")
        assert b"".join(pieces) == b"data: [DONE]\n\n"
