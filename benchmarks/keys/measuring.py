"""The measurements, on an open store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, TypeAlias

from proxystore import KeyNotFound, Store
from proxystore.credentials import Digester, Pepper, is_well_formed, new_secret

Figures: TypeAlias = dict[str, float]

ROUNDS = 5
BATCH = 1_000
CHECKS = 500
STORED = 20_000


async def measured(store: Store) -> Figures:
    """Return keys made in a second, and microseconds of a check that asks the database."""
    figures: Figures = {}
    rates: list[float] = []
    secrets: list[str] = []
    while len(secrets) < STORED:
        started = perf_counter()
        made = await store.keys.create_many({"name": f"key {number}", "max_requests": 5} for number in range(BATCH))
        rates.append(BATCH / (perf_counter() - started))
        secrets += [new.secret for new in made]
    figures[f"keys made in a second, {BATCH} at a time"] = sorted(rates)[len(rates) // 2]
    known = secrets[:: STORED // CHECKS]
    figures["authenticate, µs: a key"] = await _microseconds(store.keys.authenticate, known)
    unknown = [new_secret() for _ in known]
    figures["authenticate, µs: an unknown key"] = await _microseconds(lambda text: _refused(store, text), unknown)
    malformed = [text[:-1] + ("0" if text[-1] != "0" else "1") for text in known]
    figures["authenticate, µs: a malformed key"] = await _microseconds(lambda text: _refused(store, text), malformed)
    digests = [store.digester.digest(text.encode()) for text in known]
    figures["find by digest, µs"] = await _microseconds(store.keys.find, digests)
    return figures


def unstored() -> Figures:
    """Return microseconds of what needs no database."""
    digester, secret = Digester(), new_secret().encode()
    digester.use([Pepper(1, b"a pepper of thirty-two characters")])
    return {
        "digest, µs": _plainly(lambda: digester.digest(secret)),
        "is_well_formed, µs": _plainly(lambda: is_well_formed(secret)),
        "new_secret, µs": _plainly(new_secret),
    }


async def _refused(store: Store, secret: str) -> None:
    try:
        await store.keys.authenticate(secret)
    except KeyNotFound:
        return
    raise AssertionError("a key that is none was taken for one")


async def _microseconds(check: Callable[[Any], Awaitable[Any]], given: list[Any]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = perf_counter()
        for each in given:
            await check(each)
        best = min(best, (perf_counter() - started) / len(given))
    return best * 1e6


def _plainly(work: Callable[[], object], times: int = 20_000) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = perf_counter()
        for _ in range(times):
            work()
        best = min(best, (perf_counter() - started) / times)
    return best * 1e6
