"""A command that serves, in a process of its own, and what to do with it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import httpx

from proxystore import Store, UsageEvent
from proxystore.testing.upstream import ANSWER
from tests import born, clients
from tests.databases import PEPPER

COMMAND: Final = (sys.executable, "-c", "import sys; from proxystore.cli import main; main(sys.argv[1:])")
LONGEST: Final = 60.0


class Served(NamedTuple):
    """A process that serves, and what it said once it has ended."""

    url: str
    process: subprocess.Popen[str]
    said: list[str]


@contextmanager
def running(*words: str, **environ: str) -> Iterator[Served]:
    """Run the command line with *words* until it is interrupted."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    process = born.Popen(
        [*COMMAND, *words, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "PROXYSTORE_AUTH": "off",
            "PROXYSTORE_PEPPER": PEPPER,
            "PROXYSTORE_AUDIT_KEY": PEPPER,
            **environ,
        },
    )
    served = Served(f"http://127.0.0.1:{port}", process, [])
    try:
        _wait_until_live(served)
        yield served
    finally:
        process.send_signal(signal.SIGINT)
        served.said.extend(process.communicate(timeout=LONGEST)[0].splitlines())


def _wait_until_live(served: Served) -> None:
    deadline = time.monotonic() + LONGEST
    while True:
        try:
            httpx.get(f"{served.url}/_proxystore/live")
        except httpx.TransportError:
            assert served.process.poll() is None, served.process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def use(url: str) -> None:
    """Chat through the proxy with the official client, whole and streamed."""
    asked: list[Any] = [{"role": "user", "content": "how do you do"}]
    with clients.openai.OpenAI(base_url=f"{url}/v1", api_key="theirs", max_retries=0) as client:
        whole = client.chat.completions.create(model="gpt-4o", messages=asked)
        chunks = client.chat.completions.create(model="gpt-4o", messages=asked, stream=True)

        assert whole.choices[0].message.content == ANSWER
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER


def recorded(url: str) -> list[UsageEvent]:
    """Return what was written down, newest first."""

    async def read() -> list[UsageEvent]:
        async with Store(url) as store:
            await store.ledger.drain(10)
            return await store.usage.list(limit=10)

    return asyncio.run(read())
