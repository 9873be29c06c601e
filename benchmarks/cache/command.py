"""The command."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from benchmarks.cache.storing import stored
from benchmarks.overhead.chats import PATH, echo, question
from benchmarks.overhead.load import Burst, Outcome
from benchmarks.overhead.processes import Cores, Load, Server, start, stop
from benchmarks.profile.driving import CHAT, Request, Size, ask, microseconds
from proxystore import ProxyStoreMiddleware, Settings, Space, Store
from proxystore.exchange.asgi import ASGIApp, Receive, Scope, Send

_SIZES: Final = {"2 kB": 2_000, "60 kB": 60_000, "1 MB": 1_000_000}
_CONNECTIONS: Final = 16
_ANSWER: Final = b'{"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}'


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured.

    Attributes:
        requests: In each round.
        rounds: How many, of which the best counts.
        stored: How many answers of each size are stored.
        seconds: For how long a worker is asked, three times.
    """

    requests: int = 1500
    rounds: int = 7
    stored: int = 60
    seconds: float = 2.0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        request_us: CPU of the event loop's thread for one request, by what stands before the application.
        hit_adds_us: What a hit takes beyond the bare application, from memory and from disk.
        before_dispatch_us: The time until the application is called, without the cache, and with it on a miss.
        miss_adds_us: The difference.
        space_us: What the parts of it take: `get` from memory, from disk, and of what is not there.
        longest_step_ms: The longest step of the event loop while answers of a size were stored.
        hits_per_second: Over a socket, from one worker on a core of its own.
        hits_per_cpu_second: As many for each second that its event loop has worked, whoever else wanted the core.
    """

    request_us: Mapping[str, float]
    hit_adds_us: Mapping[str, float]
    before_dispatch_us: Mapping[str, float]
    miss_adds_us: float
    space_us: Mapping[str, float]
    longest_step_ms: Mapping[str, float]
    hits_per_second: int
    hits_per_cpu_second: int


@asynccontextmanager
async def _wrapped(app: ASGIApp, *plugins: str) -> AsyncIterator[tuple[Store, ASGIApp]]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="proxystore-benchmark-")))
        section = {"cache": {"mode": "all"}} if "cache" in plugins else {}
        settings = Settings(database_url=f"sqlite:///{folder}/proxystore.db", plugins=plugins, plugin=section)
        store = await stack.enter_async_context(Store(settings=settings))
        stack.push_async_callback(store.ledger.drain, 60)
        yield store, ProxyStoreMiddleware(app, store=store)


async def measured(effort: Effort) -> Figures:
    """Measure all."""
    bare = echo(is_yielding=False)

    async def taken(app: ASGIApp) -> float:
        return await microseconds(app, CHAT, Size(rounds=effort.rounds, requests=effort.requests))

    request = {"bare application": await taken(bare)}
    async with _wrapped(bare, "usage") as (_, app):
        request["usage alone"] = await taken(app)
    async with _wrapped(bare, "usage", "cache") as (store, app):
        await ask(app, CHAT)
        request["a hit from memory"] = await taken(app)
        space = store.cache.space("responses")
        _forget_memory(space)
        request["a hit from disk"] = await taken(app)
        parts = await _parts(space, effort)
    without, with_cache = await _before_dispatch(effort, "usage"), await _before_dispatch(effort, "usage", "cache")
    adds = {name: request[f"a hit from {name}"] - request["bare application"] for name in ("memory", "disk")}
    outcomes = _served(effort.seconds)
    return Figures(
        request_us=_rounded(request),
        hit_adds_us=_rounded(adds),
        before_dispatch_us=_rounded({"usage alone": without, "with the cache, a miss": with_cache}),
        miss_adds_us=round(with_cache - without, 2),
        space_us=_rounded(parts),
        longest_step_ms=_rounded({name: await _storing(size, effort.stored) for name, size in _SIZES.items()}),
        hits_per_second=round(max(outcome.requests / outcome.seconds for outcome in outcomes)),
        hits_per_cpu_second=round(max(outcome.requests / max(outcome.loop_cpu_us, 1) * 1e6 for outcome in outcomes)),
    )


def _forget_memory(space: Space) -> None:
    memory: Any = space._memory  # noqa: SLF001  nobody can ask a space to remember nothing
    memory._size = 0  # noqa: SLF001
    memory.clear()


async def _parts(space: Space, effort: Effort) -> dict[str, float]:
    parts = {}
    await space.set(b"key", b"x" * 1000, ttl=3600)
    for name, key in (("get from disk", b"key"), ("get of what is not there", b"other")):
        best = float("inf")
        for _ in range(effort.rounds):
            started = time.thread_time_ns()
            for _ in range(effort.requests):
                space.get(key)
            best = min(best, (time.thread_time_ns() - started) / effort.requests / 1000)
        parts[name] = best
    return parts


async def _before_dispatch(effort: Effort, *plugins: str) -> float:
    """Return the CPU time from the start of a request to the call of the application.

    Each request is a new one, and no answer is kept: the thread that keeps them would be measured as well.
    """
    spent = started = 0

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        nonlocal spent
        spent += time.thread_time_ns() - started
        await receive()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _ANSWER})

    best, count = float("inf"), effort.requests
    async with _wrapped(app, *plugins) as (_, wrapped):
        asked = msgspec.json.decode(question())
        requests = [Request(msgspec.json.encode(asked | {"seed": number})) for number in range(effort.rounds * count)]
        for number in range(effort.rounds):
            spent = 0
            for request in requests[number * count : (number + 1) * count]:
                started = time.thread_time_ns()
                await ask(wrapped, request)
            best = min(best, spent / count / 1000)
    return best


async def _storing(size: int, times: int) -> float:
    answer = {
        "id": "1",
        "object": "chat.completion",
        "model": "gpt-4o",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "x" * size}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    chunk = msgspec.json.encode(answer)

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": chunk})

    async with _wrapped(app, "usage", "cache") as (_, wrapped):
        body = msgspec.json.decode(question())

        async def one(number: int) -> None:
            await ask(wrapped, Request(msgspec.json.encode(body | {"seed": number})))

        return await stored(one, times)


def _served(seconds: float) -> list[Outcome]:
    """Return what came of asking one worker the same again and again."""
    cores = Cores()
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="proxystore-benchmark-"))
        process = start([sys.executable, "-m", "benchmarks.cache.server", folder], cores.server)
        stack.callback(stop, process)
        if process.stdout is None:
            raise RuntimeError("a server that cannot be spoken with")
        server = Server(process.pid, int(process.stdout.readline()))
        load = Load(stack, cores.rest)
        burst = Burst(
            process=server.process,
            port=server.port,
            target=PATH,
            body=question(),
            connections=_CONNECTIONS,
            seconds=seconds,
            is_awake=True,
        )
        return [load.run(burst) for _ in range(3)]


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(figure, 2) for name, figure in figures.items()}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="What the response cache costs.")
    parser.add_argument("--json", action="store_true", help="for programs")
    usual = Effort()
    for name in usual.__struct_fields__:
        default = getattr(usual, name)
        parser.add_argument(f"--{name}", type=type(default), default=default)
    options = vars(parser.parse_args())
    as_json = options.pop("json")
    figures = asyncio.run(measured(Effort(**options)))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(figures)).decode() + "\n")
        return
    for name, figure in msgspec.structs.asdict(figures).items():
        if isinstance(figure, dict):
            print(name)
            for part, value in figure.items():
                print(f"  {part:40}{value:12.2f}")
        else:
            print(f"{name:42}{figure:12}")


if __name__ == "__main__":
    main()
