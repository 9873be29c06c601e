"""One application behind the cache, served as `uvicorn[standard]` serves, in a process of its own.

    python -m benchmarks.cache.server DIRECTORY

Writes its port as soon as it listens.
"""

from __future__ import annotations

import socket
import sys

import uvicorn

from benchmarks.overhead.chats import echo
from proxystore import ProxyStoreMiddleware, Settings


def main() -> None:
    """Serve until told to stop."""
    settings = Settings(
        database_url=f"sqlite:///{sys.argv[1]}/proxystore.db",
        plugins=("usage", "cache"),
        plugin={"cache": {"mode": "all"}},
        gc_freeze=True,
    )
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listening.getsockname()[1], flush=True)
    app = ProxyStoreMiddleware(echo(), settings=settings)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning", lifespan="on")
    uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    main()
