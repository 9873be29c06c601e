"""Servers as processes of their own, to be killed, stopped and asked to go."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from proxystore.settings import Settings
from tests import born

_ROOT = Path(__file__).parents[2]


class Worker:
    """One server; it accepts connections from the moment it is born, and answers when it has started."""

    def __init__(self, nursery: Nursery, pid: int, port: int) -> None:
        self.port = port
        self._nursery = nursery
        self._pid = pid
        self._code: int | None = None

    async def kill(self) -> None:
        """``kill -9``, and wait until it is dead."""
        self.signal(signal.SIGKILL)
        await self.exit()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self._pid, number)

    async def exit(self) -> int:
        """Return its exit code, when it has gone."""
        if self._code is None:
            self._code = await asyncio.to_thread(self._nursery.ask, {"wait": self._pid})
        return self._code

    async def stop(self, seconds: float = 30) -> int:
        """SIGTERM; return its exit code. uvicorn, when it has shut down, dies of the signal it was sent."""
        self.signal(signal.SIGTERM)
        async with asyncio.timeout(seconds):
            return await self.exit()

    def bury(self) -> None:
        """Be sure that it is dead."""
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


class Nursery:
    """Makes workers."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._turn = Lock()
        self._workers: list[Worker] = []
        command = [sys.executable, "-m", "tests.faults.nursery", str(log)]
        self._process = born.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def spawn(self, settings: Settings, **order: Any) -> Worker:
        """Make a worker with *settings*.

        Args:
            settings: Of its middleware.
            **order: Its ``delay`` between chunks, its ``patience`` with streams when it is told to go, whether to patch
                its ``clock``, and into how many ``children`` it forks once it is open.
        """
        given = settings.model_dump(mode="json", exclude_unset=True)
        worker = Worker(self, **self.ask({"spawn": {"settings": given, **order}}))
        self._workers.append(worker)
        return worker

    def ask(self, order: dict[str, Any]) -> Any:
        """Have something done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._turn:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """Leave nobody behind."""
        for worker in self._workers:
            worker.bury()
        self._process.kill()
        self._process.communicate()


@contextmanager
def nursery(log: Path) -> Iterator[Nursery]:
    """Give a nursery, and leave nobody behind."""
    made = Nursery(log)
    try:
        yield made
    finally:
        made.close()
