"""One application served as `uvicorn[standard]` serves, in a process of its own.

    python -m benchmarks.overhead.server echo|relay|forward [--upstream URL] [--house DIRECTORY | --by-hand DIRECTORY]

Writes its port as soon as it listens. With ``--house`` the application is wrapped, all bundled plugins on; with
``--by-hand`` in the least that could stand in their place.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import socket
from contextlib import suppress
from pathlib import Path

import uvicorn

from benchmarks.overhead.by_hand import by_hand
from benchmarks.overhead.chats import KEY, echo
from benchmarks.overhead.relaying import relay
from proxystore import Conflict, ProxyStoreMiddleware, Settings, Store
from proxystore.exchange.asgi import ASGIApp


def wrapped(app: ASGIApp, directory: Path) -> ASGIApp:
    """Return *app* behind the middleware as `proxystore run` has it, its SQLite file and its journal in *directory*."""
    settings = Settings(database_url=f"sqlite:///{directory}/proxystore.db", gc_freeze=True)
    asyncio.run(_let_in(settings))
    return ProxyStoreMiddleware(app, settings=settings)


async def _let_in(settings: Settings) -> None:
    """Know the key that everybody calls with, as one that was imported: LiteLLM has to know it, too."""
    async with Store(settings=settings) as store:
        with suppress(Conflict):
            await store.keys.import_key(KEY, name="benchmark")


def _made(name: str, upstream: str) -> ASGIApp:
    if name == "echo":
        return echo()
    if name == "relay":
        return relay(upstream)
    from proxystore.forwarding import ReverseProxy
    from proxystore.settings import ForwardSettings

    return ReverseProxy(ForwardSettings(url=upstream))


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("app", choices=["echo", "relay", "forward"])
    parser.add_argument("--upstream", default="")
    wrapping = parser.add_mutually_exclusive_group()
    wrapping.add_argument("--house", type=Path)
    wrapping.add_argument("--by-hand", type=Path)
    options = parser.parse_args()
    app = _made(options.app, options.upstream)
    if options.house is not None:
        app = wrapped(app, options.house)
    if options.by_hand is not None:
        app = by_hand(app, options.by_hand)
        gc.freeze()
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning", lifespan="on")
    uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    main()
