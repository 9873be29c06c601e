"""Stands in for ``vllm serve``: as it does, it adds each ``--middleware`` by its dotted name, and without arguments.

As there, a class becomes a middleware of the application and a coroutine function a middleware of its HTTP requests,
both around the check of ``--api-key``, which comes first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from inspect import isclass, iscoroutinefunction
from typing import Any, TypeAlias

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from proxystore.testing.upstream import FakeUpstream

Next: TypeAlias = Callable[[Request], Awaitable[Response]]


class CheckOfKey:
    """Refuses what does not bring the key, as ``--api-key`` does, under ``/v1`` alone."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._expected = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_guarded = scope["type"] == "http" and scope["path"].startswith("/v1")
        if is_guarded and dict(scope["headers"]).get(b"authorization") != self._expected:
            await Response('{"error":"Unauthorized"}', 401, media_type="application/json")(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def note(request: Request, call_next: Next) -> Response:
    """Somebody's function, given by name as well."""
    answer = await call_next(request)
    answer.headers["x-noted"] = request.url.path
    return answer


def build_app(middleware: Sequence[str], key: str) -> FastAPI:
    """Return the application as ``vllm serve --api-key KEY --middleware NAME …`` makes it."""
    app = FastAPI()
    app.mount("/", FakeUpstream())
    app.add_middleware(CheckOfKey, key=key)
    for name in middleware:
        module, _, attribute = name.rpartition(".")
        found: Any = getattr(import_module(module), attribute)
        if isclass(found):
            added: Any = found
            app.add_middleware(added)
        elif iscoroutinefunction(found):
            app.middleware("http")(found)
        else:
            raise ValueError(f"{name} must be a function or a class")
    return app
