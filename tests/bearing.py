"""The process that others are forked from, see `tests.born`: it opens nothing, and has one thread.

    python -m tests.bearing HANDLE

Takes orders from that socket until it is closed. Who is born leaves through `main` as any program does: what is done at
exit, and waiting for its threads, is done.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress
from types import ModuleType
from typing import Any, Final

import aiohttp  # noqa: F401  imported here, or in every process that is born
import aiosqlite  # noqa: F401
import alembic.command  # noqa: F401
import asyncpg  # noqa: F401
import uvicorn.lifespan.on
import uvicorn.loops.auto
import uvicorn.main
import uvicorn.protocols.http.auto  # noqa: F401

from proxystore import ProxyStoreMiddleware, Store  # noqa: F401

with suppress(ImportError):  # LiteLLM's environment does without
    import fastapi_proxy_lib.fastapi.app  # noqa: F401

_LONGEST: Final = 200_000
_BASE: Final = sys.path[1:]
_pipes: dict[int, int] = {}
"""Where to tell the end of each, by its id."""


def main() -> None:
    """Bear until nobody wants any more; returns in each child when it has done what it was ordered."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    woken, wake = os.pipe()
    for handle in (woken, wake):
        os.set_blocking(handle, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    gc.freeze()  # who ends would look through it all, and copy it for that
    while True:
        for ready in select.select([orders, woken], [], [])[0]:
            if ready == woken:
                os.read(woken, 4096)
                _tell_who_has_ended()
                continue
            message, handles, *_ = socket.recv_fds(orders, _LONGEST, 64)
            if not message:
                return
            child = os.fork()
            if not child:
                signal.set_wakeup_fd(-1)
                orders.detach()
                _live(json.loads(message), handles[1:])
                return
            _pipes[child] = handles[0]
            for handle in handles[1:]:
                os.close(handle)
            orders.send(b"%d" % child)


def _tell_who_has_ended() -> None:
    for child in list(_pipes):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            pipe = _pipes.pop(child)
            os.write(pipe, b"%d" % status)
            os.close(pipe)


def _live(order: dict[str, Any], handles: list[int]) -> None:
    """Be the process that was ordered."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _take_over(handles, order["kept"])
    if order["is_leader"]:
        os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environ"])
    random.seed()
    importlib.invalidate_caches()
    program, *words = order["words"]
    before = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.modules["__main__"] = here = ModuleType("__main__")
    if program == "-c":
        sys.path[:] = ["", *before, *_BASE]
        sys.argv[:] = ["-c", *words[1:]]
        exec(compile(words[0], "<string>", "exec"), vars(here))
    elif program == "-m":
        sys.path[:] = [order["cwd"], *before, *_BASE]
        sys.argv[:] = words
        runpy._run_module_as_main(words[0])
    else:
        sys.path[:] = [os.path.dirname(program), *before, *_BASE]  # noqa: PTH120  as it is written
        sys.argv[:] = [program, *words]
        runpy.run_path(program, run_name="__main__")


def _take_over(handles: list[int], kept: list[int]) -> None:
    """Have *handles* under the numbers they had where they came from, and no others; speak through the first three."""
    wanted = [0, 1, 2, *kept]
    high = [os.dup2(handle, 1000 + place) for place, handle in enumerate(handles)]
    os.closerange(3, 1000)
    for handle, number in zip(high, wanted, strict=True):
        os.dup2(handle, number)
        os.close(handle)
    encoding = sys.stdout.encoding
    # For as long as the process lives, as its own would be; their second names are only said to be constants.
    sys.stdin = sys.__stdin__ = open(0, encoding=encoding, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding=encoding, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # type: ignore[misc]  # noqa: SIM115
        2, "w", encoding=encoding, errors="backslashreplace", buffering=1, closefd=False
    )


if __name__ == "__main__":
    main()
