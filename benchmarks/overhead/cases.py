"""What is measured, and against which server."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.overhead import litellm
from benchmarks.overhead.chats import PATH, question
from benchmarks.overhead.figures import Figure
from benchmarks.overhead.load import Burst
from benchmarks.overhead.processes import Cores, Load, Server, start_server

MANY = 200
"""Chunks of a long stream; a short one has one."""
WRAPPED = ("echo", "relay", "forward", "by-hand", "litellm")
"""What can be measured; the last two for comparison: the least that could be done, and another's."""
_CONNECTIONS = 32


class Case(NamedTuple):
    """One thing to measure: what is asked of which server."""

    server: Server
    load: Load
    body: bytes
    target: str = PATH
    connections: int = _CONNECTIONS
    is_awake: bool = False

    def measure(self, seconds: float) -> Figure:
        """Ask for *seconds*, then wait for what the server does later."""
        before = self.server.rest()
        outcome = self.load.run(
            Burst(
                process=self.server.process,
                port=self.server.port,
                target=self.target,
                body=self.body,
                connections=self.connections,
                seconds=seconds,
                is_awake=self.is_awake,
            )
        )
        return Figure(
            requests_per_second=outcome.requests / outcome.seconds,
            cpu_us=(self.server.rest() - before) / outcome.requests_in_all,
            loop_cpu_us=outcome.loop_cpu_us / max(1, outcome.requests),
            first_byte_us=outcome.first_byte_us,
        )


class Cases(NamedTuple):
    """Everything there is to measure: pairs of a bare server and the same wrapped, and one that stands alone."""

    pairs: dict[str, tuple[Case, Case]]
    alone: dict[str, Case]
    skipped: list[str]


@contextmanager
def cases(names: Collection[str] = WRAPPED) -> Iterator[Cases]:
    """Give the cases of *names*, every server started; they sleep while it is not their turn."""
    cores = Cores()
    is_awake = cores.server != cores.rest  # a relay's load may sleep: the upstream needs its core as well
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="proxystore-benchmark-")))
        load = Load(stack, cores.rest)
        url, alone, skipped = "", {}, []
        if set(names) != {"echo"}:
            url = f"http://127.0.0.1:{start_server(stack, cores.rest, 'echo').port}"
        if "litellm" in names and litellm.is_installed():
            alone["litellm"] = Case(litellm.start_litellm(stack, folder, cores.server, url), load, question())
        elif "litellm" in names:
            skipped.append("litellm: there is no command `litellm` here")
        pairs: dict[str, tuple[Case, Case]] = {}
        for name in ("echo", "relay", "forward"):
            if name in names:
                options = [name] if name == "echo" else [name, "--upstream", url]
                bare = start_server(stack, cores.server, *options)
                wrapped = start_server(stack, cores.server, *options, "--house", str(folder / name))
                if name == "echo":
                    pairs |= _echoes(bare, wrapped, load, is_awake=is_awake)
                else:
                    pairs[name] = Case(bare, load, question()), Case(wrapped, load, question())
        if "by-hand" in names:
            for name, options in (("echo", ["echo"]), ("relay", ["relay", "--upstream", url])):
                bare = start_server(stack, cores.server, *options)
                least = start_server(stack, cores.server, *options, "--by-hand", str(folder / f"{name} by hand"))
                a, b = (Case(each, load, question(), is_awake=is_awake and name == "echo") for each in (bare, least))
                pairs[f"{name} by hand"] = a, b
        yield Cases(pairs, alone, skipped)


def _echoes(a: Server, b: Server, load: Load, *, is_awake: bool) -> dict[str, tuple[Case, Case]]:
    stream, one, many = question(is_streaming=True), f"{PATH}?chunks=1", f"{PATH}?chunks={MANY}"

    def echoed(body: bytes, target: str = PATH, connections: int = _CONNECTIONS) -> tuple[Case, Case]:
        bare, wrapped = (Case(server, load, body, target, connections, is_awake=is_awake) for server in (a, b))
        return bare, wrapped

    return {
        "echo": echoed(question()),
        "short stream": echoed(stream, one),
        "long stream": echoed(stream, many),
        "one at a time": echoed(stream, one, connections=1),
    }
