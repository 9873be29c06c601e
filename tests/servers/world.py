"""Servers as somebody starts them, and a client."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final, NamedTuple, cast
from uuid import UUID

import httpx

from tests import born

_OURS: Final = "import sys; from proxystore.cli import main; main(sys.argv[1:])"
_ROOT: Final = Path(__file__).parents[2]
_ASKED: Final = {"model": "gpt-4o", "messages": [{"role": "user", "content": "two words"}]}
_LONGEST: Final = 60.0


@dataclass(frozen=True)
class Kind:
    """A server: what Python is told, and whether a new worker is started where one has died, or all ends."""

    command: Sequence[str]
    app: str = "proxystore.asgi:app"
    is_respawning: bool = True

    def words(self, port: int) -> list[str]:
        return [sys.executable, *(word.format(port=port) for word in self.command), self.app]


# Older uvicorns leave a dead worker's place empty.
_UVICORN_RESPAWNS: Final = tuple(int(part) for part in version("uvicorn").split(".")[:2]) >= (0, 30)
_GUNICORN: Final = (
    "-m",
    "gunicorn",
    "--bind",
    "127.0.0.1:{port}",
    "--workers",
    "2",
    "-k",
    "uvicorn_worker.UvicornWorker",
)
_GRANIAN: Final = ("-m", "granian", "--interface", "asgi", "--port", "{port}", "--workers", "2")
SERVERS: Final = {
    "uvicorn": Kind(("-m", "uvicorn", "--port", "{port}", "--workers", "2"), is_respawning=_UVICORN_RESPAWNS),
    "hypercorn": Kind(("-m", "hypercorn", "--bind", "127.0.0.1:{port}", "--workers", "2"), is_respawning=False),
    "granian": Kind((*_GRANIAN, "--respawn-failed-workers")),
    "gunicorn": Kind(_GUNICORN),
    "gunicorn, preloaded": Kind((*_GUNICORN, "--preload")),
    "gunicorn, opened before the fork": Kind((*_GUNICORN, "--preload"), app="tests.servers.opened:app"),
}
ALONE: Final = {
    "uvicorn": Kind(("-m", "uvicorn", "--port", "{port}")),
    "hypercorn": Kind(("-m", "hypercorn", "--bind", "127.0.0.1:{port}", "--workers", "1")),
    "granian": Kind(("-m", "granian", "--interface", "asgi", "--port", "{port}")),
    "gunicorn": Kind(("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "-k", "uvicorn_worker.UvicornWorker")),
}


def proxystore_run(app: str) -> Kind:
    """Return our own server of *app*."""
    return Kind(("-c", _OURS, "run", "--port", "{port}"), app)


class Answered(NamedTuple):
    """An answer: under which id it was recorded, and by which process."""

    event_id: UUID
    worker: int


@dataclass
class Served:
    """A server that runs; once it has ended, how, and what it said."""

    url: str
    process: subprocess.Popen[str]
    said: str = ""
    answered: list[Answered] = field(default_factory=list)

    def ask(self) -> Answered:
        """Make one request on a connection of its own."""
        answer = httpx.post(f"{self.url}/v1/chat/completions", json=_ASKED, timeout=_LONGEST)
        assert answer.status_code == 200, answer.text
        self.answered.append(Answered(UUID(answer.headers["x-proxystore-request-id"]), int(answer.headers["x-worker"])))
        return self.answered[-1]

    def ask_many(self, times: int) -> None:
        """Make requests, eight at once."""
        with ThreadPoolExecutor(8) as clients:
            for each in [clients.submit(self.ask) for _ in range(times)]:
                each.result()

    def kill_a_worker(self) -> None:
        """Kill the process that answered last, as the kernel does when memory runs out."""
        os.kill(self.answered[-1].worker, signal.SIGKILL)

    def ask_a_new_worker(self) -> None:
        """Ask until a process answers that has not answered before; a connection may go to one that is dying."""
        known = {answer.worker for answer in self.answered}
        deadline = time.monotonic() + _LONGEST
        while self.answered[-1].worker in known:
            assert time.monotonic() < deadline, f"{len(self.answered)} answers, none of them by a new worker"
            try:
                self.ask()
            except httpx.TransportError:
                time.sleep(0.02)


@contextmanager
def running(kind: Kind, environ: Mapping[str, str], place: Path = _ROOT) -> Iterator[Served]:
    """Run a server until the block is left, then tell it to end, and see to it that it does.

    What it says is read meanwhile: a server that writes into a pipe that is full waits, and so do its workers. Where
    the block fails, the error tells what was said, and where each of its threads was.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    process = start(kind, environ, port, place)
    served = Served(f"http://127.0.0.1:{port}", process)
    with ThreadPoolExecutor(1) as reader:
        said = reader.submit(cast("IO[str]", process.stdout).read)
        try:
            _wait_until_live(served)
            yield served
            process.terminate()
            process.wait(_LONGEST)
            served.said = said.result(_LONGEST)
        except BaseException as error:
            _kill(process, signal.SIGABRT)
            error.add_note(said.result(_LONGEST))
            raise
        finally:
            if process.poll() is None:
                _kill(process, signal.SIGKILL)
                process.wait()
            cast("IO[str]", process.stdout).close()


def _kill(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Kill a server and its workers."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def start(kind: Kind, environ: Mapping[str, str], port: int, place: Path = _ROOT) -> subprocess.Popen[str]:
    return born.Popen(
        kind.words(port),
        cwd=place,
        env={**os.environ, "PYTHONFAULTHANDLER": "1", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _wait_until_live(served: Served) -> None:
    deadline = time.monotonic() + _LONGEST
    while True:
        try:
            assert httpx.get(f"{served.url}/_proxystore/live").status_code == 200
        except httpx.TransportError:
            assert served.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return
