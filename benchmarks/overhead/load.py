"""The load: keep-alive connections that ask again as soon as they were answered, in a process of its own.

Reads one `Burst` a line as JSON and writes one `Outcome` a line. The client knows only as much of HTTP as it takes to
see where a response ends, so that it can ask faster than any server in Python answers.
"""

from __future__ import annotations

import asyncio
import sys
import time
from statistics import median
from typing import Any

import msgspec
import uvloop
from typing_extensions import override

from benchmarks.overhead.chats import HEADERS

_WARM_UP = 0.1  # seconds of each burst that do not count


class Burst(msgspec.Struct, kw_only=True):
    """What to ask, and for how long.

    Attributes:
        process: The server's; its CPU time is read here, where the counting begins and ends.
        port: Where it listens.
        target: What is asked for, with its query.
        body: The request's.
        connections: How many ask at once.
        seconds: For how long it counts.
        is_awake: Whether the client never sleeps. A server that writes to a client that does pays for waking it, and
            the slower the server, the more often: what was measured would be the client's sleep.
    """

    process: int
    port: int
    target: str
    body: bytes
    connections: int
    seconds: float
    is_awake: bool


class Outcome(msgspec.Struct, kw_only=True):
    """What came of a burst.

    Attributes:
        requests: How many were answered while it counted.
        requests_in_all: How many were answered.
        seconds: For how long it counted.
        loop_cpu_us: CPU of the server's first thread, which runs its event loop, while it counted.
        first_byte_us: How long the first byte of a response took, in the middle.
    """

    requests: int
    requests_in_all: int
    seconds: float
    loop_cpu_us: float
    first_byte_us: float


class Connection(asyncio.Protocol):
    """Asks, waits for the end of the response, asks again."""

    def __init__(self, request: bytes) -> None:
        self.answered = 0
        self.first_bytes: list[int] = []
        self.is_stopping = False
        self.stopped = asyncio.get_running_loop().create_future()
        self._request = request
        self._received = b""
        self._missing = -1

    @override
    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask()

    @override
    def data_received(self, data: bytes) -> None:
        if not self._received:
            self.first_bytes.append(time.perf_counter_ns() - self._asked_at)
        if self._missing < 0:
            data = self._received + data
            if not self._read_head(data):
                self._received = data
                return
        elif self._missing:
            self._missing -= len(data)
        is_over = self._missing == 0 if self._has_length else (self._received[-5:] + data).endswith(b"0\r\n\r\n")
        self._received = data
        if is_over:
            self._finish()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.stopped.done():
            self.stopped.set_exception(exc or ConnectionResetError("the server closed a connection"))

    def _ask(self) -> None:
        self._received, self._missing = b"", -1
        self._asked_at = time.perf_counter_ns()
        self._transport.write(self._request)

    def _read_head(self, data: bytes) -> bool:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return False
        if not data.startswith(b"HTTP/1.1 200"):
            self.stopped.set_exception(RuntimeError(data[:300].decode("latin-1")))
        place = data.find(b"content-length: ", 0, end)
        self._has_length = place >= 0
        length = int(data[place + 16 : data.find(b"\r", place)]) if self._has_length else 0
        self._missing = max(0, length - (len(data) - end - 4))
        return True

    def _finish(self) -> None:
        self.answered += 1
        if not self.is_stopping:
            self._ask()
        elif not self.stopped.done():
            self.stopped.set_result(None)


async def run(burst: Burst) -> Outcome:
    """Ask for as long as *burst* says."""
    loop = asyncio.get_running_loop()
    request = _request(burst)
    made = [
        loop.create_connection(lambda: Connection(request), "127.0.0.1", burst.port) for _ in range(burst.connections)
    ]
    pairs = await asyncio.gather(*made)
    connections = [connection for _, connection in pairs]
    stopped = asyncio.gather(*(connection.stopped for connection in connections))
    if burst.is_awake:
        _stay_awake(stopped)
    await asyncio.wait((stopped,), timeout=_WARM_UP)
    before = [connection.answered for connection in connections]
    firsts = [len(connection.first_bytes) for connection in connections]
    started, cpu = time.perf_counter(), loop_cpu_us(burst.process)
    await asyncio.wait((stopped,), timeout=burst.seconds)
    ended, cpu = time.perf_counter(), loop_cpu_us(burst.process) - cpu
    answered = sum(connection.answered for connection in connections) - sum(before)
    waits = [
        wait for connection, since in zip(connections, firsts, strict=True) for wait in connection.first_bytes[since:]
    ]
    for connection in connections:
        connection.is_stopping = True
    await stopped
    for transport, _ in pairs:
        transport.close()
    return Outcome(
        requests=answered,
        requests_in_all=sum(connection.answered for connection in connections),
        seconds=ended - started,
        loop_cpu_us=cpu,
        first_byte_us=median(waits) / 1000 if waits else 0.0,
    )


def _stay_awake(until: asyncio.Future[list[None]]) -> None:
    if not until.done():
        asyncio.get_running_loop().call_soon(_stay_awake, until)


def loop_cpu_us(process: int) -> float:
    """Return the CPU time of the first thread of *process*, in microseconds."""
    with open(f"/proc/{process}/task/{process}/schedstat", encoding="ascii") as file:  # noqa: PTH123  a hot path
        return int(file.read().split()[0]) / 1000


def _request(burst: Burst) -> bytes:
    head = f"POST {burst.target} HTTP/1.1\r\n".encode()
    fields = (*HEADERS, (b"content-length", b"%d" % len(burst.body)))
    return head + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n" + burst.body


def main() -> None:
    """Do what is asked for, line by line."""
    for line in sys.stdin.buffer:
        burst = msgspec.json.decode(line, type=Burst)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            outcome = runner.run(run(burst))
        sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
