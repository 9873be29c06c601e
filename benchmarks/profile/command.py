"""The command: what each floor adds, what each hook and function takes, what a chunk takes."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

import msgspec

from benchmarks.overhead.chats import echo, question
from benchmarks.profile.counting import Counts
from benchmarks.profile.driving import CHAT, NOT_OURS, Request, Size, ask, microseconds, wrapped
from benchmarks.profile.sampling import Place, Samples
from proxystore.exchange.asgi import ASGIApp

_PLUGINS: Final = ("audit", "cache", "keys", "limits", "usage")
_PACKAGES: Final = ("proxystore", *(f"proxystore_{plugin}" for plugin in _PLUGINS))
_HOOKS: Final = frozenset({"on_auth", "on_request", "on_usage", "on_response"})
_SIZE: Final = Size(requests=1_500, rounds=7)
_CHUNKS: Final = 400
_SHOWN: Final = 25
_COUNTED: Final = 20
_ELSEWHERE: Final = "elsewhere"
_A_STREAM: Final = "all plugins, stream of one chunk, usage asked for by the client"


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes how many microseconds of one kind of request.

    Attributes:
        hooks: Each plugin's hook, with what it calls.
        rooms: Each room itself; ``elsewhere`` is the application, the event loop and the garbage collector.
        functions: Each function itself, and with what it calls.
    """

    hooks: Mapping[str, float]
    rooms: Mapping[str, float]
    functions: Mapping[str, tuple[float, float]]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Microseconds of the event loop's thread.

    Attributes:
        request: What a request takes, by how much stands around the application.
        chunk: What a streamed chunk takes, by how.
        counted: How many opcodes of a chat each room runs, with all plugins on, and in how many calls.
        chat: Where its time goes.
        stream: Where that of a stream of one chunk goes.
    """

    request: Mapping[str, float]
    chunk: Mapping[str, float]
    counted: Mapping[str, tuple[float, float]]
    chat: Shares
    stream: Shares


async def profile(size: Size = _SIZE) -> Profile:
    """Measure."""
    async with AsyncExitStack() as stack:
        bare = echo(is_yielding=False)
        empty = await stack.enter_async_context(wrapped())
        full = await stack.enter_async_context(wrapped(*_PLUGINS))
        request = await _requests(bare, empty, full, size)
        chunk = await _chunks(bare, empty, full, size._replace(requests=max(1, size.requests // 75)))
        counted = await _counted(full, CHAT)
        chat = _shares(await _sampled(full, CHAT, 25 * size.requests), request["all plugins"])
        stream = _shares(await _sampled(full, _stream(1, wants_usage=True), 25 * size.requests), request[_A_STREAM])
    return Profile(request=_rounded(request), chunk=_rounded(chunk, 3), counted=counted, chat=chat, stream=stream)


def _shares(samples: Samples, us: float) -> Shares:
    """Return who takes how much of the *us* microseconds of a request."""
    each = us / max(1, samples.looks)
    own = {place: looks * each for place, looks in samples.own.items()}
    whole = {place: looks * each for place, looks in samples.whole.items()}
    rooms = {**_by_room(own), _ELSEWHERE: us - sum(own.values())}
    return Shares(
        hooks=_rounded({_told(place): us for place, us in whole.items() if _is_hook(place)}),
        rooms=_rounded(rooms),
        functions={
            _told(place): (round(own[place], 2), round(whole[place], 2))
            for place in sorted(own, key=own.__getitem__, reverse=True)[:_SHOWN]
        },
    )


async def _requests(bare: ASGIApp, empty: ASGIApp, full: ASGIApp, size: Size) -> dict[str, float]:
    return {
        "bare application": await microseconds(bare, CHAT, size),
        "wrapper, no plugins, unknown path": await microseconds(empty, NOT_OURS, size),
        "wrapper, no plugins": await microseconds(empty, CHAT, size),
        "all plugins, unknown path": await microseconds(full, NOT_OURS, size),
        "all plugins": await microseconds(full, CHAT, size),
        _A_STREAM: await microseconds(full, _stream(1, wants_usage=True), size),
        "all plugins, stream of one chunk, usage asked for by us": await microseconds(
            full, _stream(1, wants_usage=False), size
        ),
    }


async def _chunks(bare: ASGIApp, empty: ASGIApp, full: ASGIApp, size: Size) -> dict[str, float]:
    return {
        "bare application": await _per_chunk(bare, size, wants_usage=True),
        "wrapper, no plugins": await _per_chunk(empty, size, wants_usage=True),
        "all plugins, usage asked for by the client": await _per_chunk(full, size, wants_usage=True),
        "all plugins, usage asked for by us": await _per_chunk(full, size, wants_usage=False),
    }


async def _per_chunk(app: ASGIApp, size: Size, *, wants_usage: bool) -> float:
    one, many = (_stream(chunks, wants_usage=wants_usage) for chunks in (1, 1 + _CHUNKS))
    of_one = await microseconds(app, one, size._replace(requests=10 * size.requests))
    return (await microseconds(app, many, size) - of_one) / _CHUNKS


def _stream(chunks: int, *, wants_usage: bool) -> Request:
    return Request(question(is_streaming=True, wants_usage=wants_usage), chunks=chunks)


async def _sampled(app: ASGIApp, request: Request, requests: int) -> Samples:
    samples = Samples(_PACKAGES)
    with samples.taken():
        for _ in range(requests):
            await ask(app, request)
    return samples


async def _counted(app: ASGIApp, request: Request) -> dict[str, tuple[float, float]]:
    """Return how many opcodes of *request* each room runs, and in how many calls."""
    counts = Counts()
    with counts.taken():
        for _ in range(_COUNTED):
            await ask(app, request)
    rooms: dict[str, tuple[float, float]] = {}
    for code, opcodes in counts.opcodes.items():
        room = _room(counts.modules[code])
        of_room, calls = rooms.get(room, (0.0, 0.0))
        rooms[room] = of_room + opcodes / _COUNTED, calls + counts.calls[code] / _COUNTED
    ours = sorted(rooms.items(), key=lambda item: -item[1][0])
    return {room: (round(opcodes), round(calls)) for room, (opcodes, calls) in ours if room != _ELSEWHERE}


def _is_hook(place: Place) -> bool:
    return not place.module.startswith("proxystore.") and place.function.rpartition(".")[2] in _HOOKS


def _by_room(own: Mapping[Place, float]) -> dict[str, float]:
    rooms: defaultdict[str, float] = defaultdict(float)
    for place, us in own.items():
        rooms[_room(place.module)] += us
    return dict(sorted(rooms.items(), key=lambda room: -room[1]))


def _room(module: str) -> str:
    package, _, rest = module.partition(".")
    if package not in _PACKAGES:
        return _ELSEWHERE
    return rest.partition(".")[0] if package == "proxystore" else package


def _told(place: Place) -> str:
    return f"{place.module}:{place.function}"


def _rounded(figures: Mapping[str, float], digits: int = 2) -> dict[str, float]:
    return {name: round(us, digits) for name, us in figures.items()}


def _tell(result: Profile) -> None:
    _tell_each("a request", result.request)
    _tell_each("a chunk", result.chunk)
    print(f"of a chat, opcodes ({sum(each for each, _ in result.counted.values()):.0f} in all) and calls")
    for room, (opcodes, calls) in result.counted.items():
        print(f"  {room:72}{opcodes:9.0f}{calls:9.0f}")
    for name, shares in (("a chat", result.chat), ("a stream of one chunk", result.stream)):
        _tell_each(f"of {name}, a hook with what it calls", shares.hooks)
        _tell_each(f"of {name}, a room itself", shares.rooms)
        print(f"of {name}, a function itself and with what it calls, µs")
        for function, (own, whole) in shares.functions.items():
            print(f"  {function:72}{own:9.2f}{whole:9.2f}")


def _tell_each(title: str, figures: Mapping[str, float]) -> None:
    print(f"{title}, µs")
    for name, us in figures.items():
        print(f"  {name:72}{us:9.2f}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Where the time of one wrapped request goes.")
    parser.add_argument("--requests", type=int, default=_SIZE.requests, help="how many in each round")
    parser.add_argument("--rounds", type=int, default=_SIZE.rounds, help="of which the best counts")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    result = asyncio.run(profile(Size(options.requests, options.rounds)))
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(result)).decode() + "\n")
    else:
        _tell(result)
