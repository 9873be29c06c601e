"""The measurements, on an open store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

from proxystore import Exhausted, KeyNotFound, Reservation, Store
from proxystore.credentials import Digester, Pepper, is_well_formed, new_secret
from proxystore.keyring import Keyring

Figures: TypeAlias = dict[str, float]

ROUNDS = 5


class Size(NamedTuple):
    """How much is measured.

    Attributes:
        keys: How many there are.
        batch: How many are made at a time.
        checks: How many are checked in a round.
    """

    keys: int
    batch: int
    checks: int


async def measured(store: Store, size: Size) -> Figures:
    """Return keys made in a second, and microseconds of checks that ask the database."""
    rates: list[float] = []
    secrets: list[str] = []
    while len(secrets) < size.keys:
        started = perf_counter()
        made = await store.keys.create_many(
            {"name": f"key {number}", "max_requests": 5} for number in range(size.batch)
        )
        rates.append(size.batch / (perf_counter() - started))
        secrets += [new.secret for new in made]
    known = secrets[:: max(1, len(secrets) // size.checks)]
    unknown = [new_secret() for _ in known]
    malformed = [text[:-1] + ("0" if text[-1] != "0" else "1") for text in known]
    digests = [store.digester.digest(text.encode()) for text in known]
    shown, strange = [text.encode() for text in known], [text.encode() for text in unknown]
    forgetful = Keyring(store.database, store.follower, store.digester, size=0, ttl=0)
    await store.follower.poll()
    return {
        "made_per_second": sorted(rates)[len(rates) // 2],
        "authenticate_us": await _microseconds(store.keys.authenticate, known),
        "authenticate_unknown_us": await _microseconds(lambda text: _refused(store, text), unknown),
        "authenticate_malformed_us": await _microseconds(lambda text: _refused(store, text), malformed),
        "find_us": await _microseconds(store.keys.find, digests),
        "keyring_uncached_us": await _microseconds(forgetful.find, shown),
        "keyring_unknown_us": await _microseconds(forgetful.find, strange),
        "keyring_cached_us": await _microseconds(store.keyring.find, shown[:500] * 20),
        "keyring_unknown_cached_us": await _microseconds(store.keyring.find, strange[:500] * 20),
        **await _cached(store, 20 * size.checks),
    }


async def _cached(store: Store, times: int) -> Figures:
    """Return microseconds of a check of a key that is remembered, with a limit that it is far from."""
    new = await store.keys.create(name="hot", max_requests=10**12, requests_per_minute=10**9)
    secret = new.secret.encode()
    known = await store.keyring.find(secret)
    limits = () if known is None else known.principal.limits
    reserved: list[Reservation | Exhausted] = []

    async def check(_: object) -> None:
        await store.keyring.find(secret)
        reserved.append(await store.limits.reserve(limits))

    found = await _microseconds(store.keyring.find, [secret] * times)
    both = await _microseconds(check, [None] * times)
    for reservation in reserved:
        if isinstance(reservation, Exhausted):
            raise TypeError("a limit that is far away was reached")
        store.limits.settle(reservation, requests=1)
    return {"keyring_find_us": found, "keyring_find_and_reserve_us": both, "checks_per_second": 1e6 / both}


def unstored(size: Size) -> Figures:
    """Return microseconds of what needs no database."""
    digester, secret = Digester(), new_secret().encode()
    digester.use([Pepper(1, b"a pepper of thirty-two characters")])
    times = 40 * size.checks
    return {
        "digest_us": _plainly(lambda: digester.digest(secret), times),
        "is_well_formed_us": _plainly(lambda: is_well_formed(secret), times),
        "new_secret_us": _plainly(new_secret, times),
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


def _plainly(work: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = perf_counter()
        for _ in range(times):
            work()
        best = min(best, (perf_counter() - started) / times)
    return best * 1e6
