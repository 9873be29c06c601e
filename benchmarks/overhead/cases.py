"""What is measured, and against which server."""

from __future__ import annotations

from collections.abc import Iterator
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
def cases() -> Iterator[Cases]:
    """Give the cases, every server started; they sleep while it is not their turn."""
    cores = Cores()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="proxystore-benchmark-")))
        upstream = start_server(stack, cores.rest, "echo")
        url = f"http://127.0.0.1:{upstream.port}"
        a = start_server(stack, cores.server, "echo")
        b = start_server(stack, cores.server, "echo", "--house", str(folder / "echo"))
        load = Load(stack, cores.rest)
        alone, skipped = {}, []
        if litellm.is_installed():
            alone["litellm"] = Case(litellm.start_litellm(stack, folder, cores.server, url), load, question())
        else:
            skipped.append("litellm: there is no command `litellm` here")
        pairs = _echoes(a, b, load, is_awake=cores.server != cores.rest)
        for name in ("relay", "forward"):
            options = (name, "--upstream", url)
            bare = start_server(stack, cores.server, *options)
            wrapped = start_server(stack, cores.server, *options, "--house", str(folder / name))
            # Their upstream needs the core of the load as well: it may sleep.
            pairs[name] = Case(bare, load, question()), Case(wrapped, load, question())
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
