"""Serving an application on a real socket of this machine while a test talks to it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn

from proxystore.exchange.asgi import ASGIApp

_LONGEST_START: Final = 30.0


@contextmanager
def serving(app: ASGIApp, *, port: int = 0, **options: Any) -> Iterator[str]:
    """Serve *app* with uvicorn in a thread; yield its base URL, such as ``http://127.0.0.1:45123``.

    Args:
        app: The application.
        port: Where; 0 is any that is free.
        **options: Further ones of ``uvicorn.Config``.

    Raises:
        OSError: The port is taken.
        RuntimeError: The application did not start.
    """
    listening = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", **options))
    thread = threading.Thread(target=_run, args=(server, listening), name="serving", daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_LONGEST_START)
        listening.close()


def _run(server: uvicorn.Server, listening: socket.socket) -> None:
    # In older uvicorns `server.run` would set the policy for every event loop of the process.
    loop_factory = getattr(server.config, "get_loop_factory", lambda: None)()
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(server.serve(sockets=[listening]))


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _LONGEST_START
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the application did not start; its log says why")
        time.sleep(0.005)
