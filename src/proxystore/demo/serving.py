"""uvicorn in a thread: a server that is ready when asked for, and gone afterwards."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import uvicorn
from typing_extensions import override

from proxystore.errors import ProxyStoreError


class DemoFailed(ProxyStoreError):
    """The demo could not be shown."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_settled = Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_settled.set()

    def run_until_told(self, listener: socket.socket) -> None:
        try:
            self.run(sockets=[listener])
        finally:
            self.is_settled.set()  # also when it never started


@contextmanager
def serve(app: Any, *, port: int = 0) -> Iterator[str]:
    """Serve *app* on this machine, in a thread with a loop of its own, and give the base URL.

    Args:
        app: Any ASGI application.
        port: 0 is any that is free.

    Raises:
        DemoFailed: The port is taken, or the application did not start.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoFailed(f"port {port} cannot be used: {error.strerror}") from error
        server = _Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="on"))
        thread = Thread(target=server.run_until_told, args=(listener,), daemon=True)
        thread.start()
        try:
            server.is_settled.wait()
            if not server.started:
                raise DemoFailed("the server did not start; what it said stands above")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
