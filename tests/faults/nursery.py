"""A process that bears workers: forked from where everything is imported, so that killing twenty costs little.

    python -m tests.faults.nursery LOG

Reads a line of JSON for each thing to do, and answers with one: ``{"spawn": {…}}`` with the worker's pid and port,
``{"wait": pid}`` with its exit code. It opens nothing itself, and has one thread.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from typing import Any

import aiosqlite  # noqa: F401  imported here, or in every worker
import asyncpg  # noqa: F401
import uvicorn

from proxystore import ProxyStoreMiddleware, migrating  # noqa: F401
from proxystore.settings import Settings
from proxystore.testing.asgi import call, http_scope
from tests.faults.upstream import Upstream, shift_clocks


def _serve(listening: socket.socket, order: dict[str, Any]) -> None:
    if order.get("clock"):
        shift_clocks()
    secrets = {name: os.environ[f"PROXYSTORE_{name.upper()}"] for name in ("pepper", "audit_key")}
    settings = Settings(**{**secrets, **order["settings"]})
    app = ProxyStoreMiddleware(Upstream(delay=order.get("delay", 0.001)), settings=settings)
    children = order.get("children", 0)
    if children:
        _preload(app, children)
    patience, lifespan = order.get("patience"), "off" if children else "on"
    config = uvicorn.Config(app, lifespan=lifespan, log_level="warning", timeout_graceful_shutdown=patience)
    uvicorn.Server(config).run(sockets=[listening])


def _preload(app: ProxyStoreMiddleware, children: int) -> None:
    """Open *app* and fork, as servers do that preload; returns in each child, of which the parent takes care."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(call(app, http_scope(), b'{"model":"gpt-4o","messages":[]}'))
    born = []
    for _ in range(children):
        born.append(os.fork())
        if born[-1] == 0:
            asyncio.set_event_loop(None)
            return
    signal.signal(signal.SIGTERM, lambda *_: [os.kill(child, signal.SIGTERM) for child in born])
    for child in born:
        os.waitpid(child, 0)
    loop.run_until_complete(app.store.close())
    os._exit(0)


def _spawn(order: dict[str, Any], log: str) -> dict[str, int]:
    listening = socket.create_server(("127.0.0.1", 0))
    child = os.fork()
    if child:
        port = listening.getsockname()[1]
        listening.close()
        return {"pid": child, "port": port}
    try:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(file, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        _serve(listening, order)
        sys.stderr.flush()
        os._exit(0)
    finally:
        os._exit(1)


def _wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    """Do what is asked until standard input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        answer = _spawn(order["spawn"], sys.argv[1]) if "spawn" in order else _wait(order["wait"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
