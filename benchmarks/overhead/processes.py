"""The processes of a measurement, each on its core: servers on one, what asks and answers them on the other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import IO, Final, cast

import msgspec

from benchmarks.overhead.load import Burst, Outcome

_PIN: Final = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); os.execvp(sys.argv[2], sys.argv[2:])"
_CPU_CLOCK: Final = 2  # CPUCLOCK_SCHED: what all threads of a process have used, those that ended too
_QUIET: Final = 0.005  # seconds of CPU in the time below that count as doing nothing
_LOOK_EVERY: Final = 0.06
_LONGEST_TAIL: Final = 10.0


class Cores:
    """Which core is for whom; on a machine with one they share it.

    Attributes:
        server: The core of the servers.
        rest: That of the load and of the upstream.
    """

    def __init__(self) -> None:
        cores = sorted(os.sched_getaffinity(0))
        self.server = cores[-1]
        self.rest = cores[0]


def start(command: Sequence[str], core: int) -> subprocess.Popen[bytes]:
    """Start *command* on *core*, to be spoken with."""
    return subprocess.Popen(pinned(command, core), stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def pinned(command: Sequence[str], core: int) -> list[str]:
    """Return what runs *command* on *core* with the number of the process that is started."""
    return [sys.executable, "-c", _PIN, str(core), *command]


def start_server(stack: ExitStack, core: int, *arguments: str) -> Server:
    """Start one of `benchmarks.overhead.server`, stopped when *stack* unwinds."""
    process = start([sys.executable, "-m", "benchmarks.overhead.server", *arguments], core)
    stack.callback(stop, process)
    port = _out(process).readline()
    if not port:
        raise RuntimeError(f"the server {' '.join(arguments)} did not start")
    return Server(process.pid, int(port))


def stop(process: subprocess.Popen[bytes]) -> None:
    """End *process*, by force if it takes too long."""
    process.terminate()
    try:
        process.communicate(timeout=_LONGEST_TAIL)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


class Server:
    """A server that is measured.

    Attributes:
        process: Its number.
        port: Where it listens.
    """

    def __init__(self, process: int, port: int) -> None:
        self.process = process
        self.port = port

    def cpu_us(self) -> float:
        """Return the CPU time of all its threads, in microseconds."""
        return time.clock_gettime_ns((~self.process << 3) | _CPU_CLOCK) / 1000

    def rest(self) -> float:
        """Wait until it has done what it left for later; return its CPU time then."""
        deadline = time.monotonic() + _LONGEST_TAIL
        before, now = 0.0, self.cpu_us()
        while now - before > _QUIET * 1e6 and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)
            before, now = now, self.cpu_us()
        return now


class Load:
    """The process that asks."""

    def __init__(self, stack: ExitStack, core: int) -> None:
        self._process = start([sys.executable, "-m", "benchmarks.overhead.load"], core)
        stack.callback(stop, self._process)

    def run(self, burst: Burst) -> Outcome:
        """Have *burst* asked."""
        asked = cast("IO[bytes]", self._process.stdin)
        asked.write(msgspec.json.encode(burst) + b"\n")
        asked.flush()
        told = _out(self._process).readline()
        if not told:
            raise RuntimeError("the process that asks has ended")
        return msgspec.json.decode(told, type=Outcome)


def _out(process: subprocess.Popen[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", process.stdout)
