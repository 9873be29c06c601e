"""Times the audit trail: writing its chain, verifying it, and what it adds to a refused request."""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from benchmarks.overhead.chats import echo
from benchmarks.profile.driving import CHAT, Size, ask, microseconds
from benchmarks.reports.databases import migrated
from proxystore import (
    AuditEntry,
    Denial,
    Exchange,
    Principal,
    ProxyStoreMiddleware,
    Settings,
    Store,
    hookimpl,
    uuid7,
)
from proxystore.changes import Chain
from proxystore.credentials import Pepper
from proxystore.database import Database
from proxystore.exchange.asgi import ASGIApp
from proxystore.repositories.audit import AuditRepository
from proxystore_audit import Audit

_BATCH: Final = 1_000
_SIZE: Final = Size(requests=300, rounds=9)
_BATCHES: Final = 7
_WHO: Final = Principal(key_id="key_0198a1b2c3d47e5f8a9b0c1d2e3f4a5b", project_id="proj_0198a1b2c3d47e5f", name="ada")
_DENIAL: Final = Denial(status=429, code="rate_limit_exceeded", message="Too many requests.", retry_after=1)


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What one database does in a second.

    Attributes:
        events: How many there were.
        written: Links appended, a thousand at a time, each batch a commit.
        verified: Links followed from the first to the last.
        verify_seconds: What that took.
    """

    database: str
    events: int
    written: float
    verified: float
    verify_seconds: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All there is.

    Attributes:
        rates: For each database.
        refusal_us: Microseconds of the event loop's thread for a refused request without the plugin.
        audited_refusal_us: And with it.
        added_us: The difference, the median over rounds.
    """

    rates: list[Rates]
    refusal_us: float
    audited_refusal_us: float
    added_us: float


class _Refuse:
    """Refuses everybody."""

    name = "refuse"

    @hookimpl
    def on_auth(self, exchange: Exchange) -> Principal:
        """Know them all the same."""
        return _WHO

    @hookimpl
    def on_request(self, exchange: Exchange) -> Denial:
        """Say no."""
        return _DENIAL

    @hookimpl
    def on_usage(self, exchange: Exchange) -> None:
        """Ask what the plugin `usage` asks of a refusal anyway: that is not to be blamed on the trail."""
        exchange.id  # noqa: B018  made when it is first asked for
        exchange.request.call  # noqa: B018  read from the body when it is first asked for


async def rates(kind: str, settings: Settings, events: int) -> Rates:
    """Write *events* links on the empty database of *settings*, and verify them."""
    chain = Chain([Pepper(1, b"a key of thirty-two bytes or more")])
    async with Database(settings.url, schema=settings.database_schema, deadline=120, sync="after") as database:
        taken = 0.0
        for batch in _batches(events):
            started = time.perf_counter()
            async with database.transaction() as transaction:
                await chain.append(transaction, batch)
            taken += time.perf_counter() - started
        print(f"{kind}: {events:,} events were written", file=sys.stderr)
        started = time.perf_counter()
        verdict = await AuditRepository(database, chain).verify()
        seconds = time.perf_counter() - started
    if not verdict.is_sound or verdict.verified != events:
        sys.exit(f"{kind}: {verdict.problems}")
    return Rates(
        database=kind,
        events=events,
        written=events / taken,
        verified=events / seconds,
        verify_seconds=seconds,
    )


def _batches(events: int) -> Iterator[list[AuditEntry]]:
    now = time.time_ns() // 1_000
    for begin in range(0, events, _BATCH):
        yield [
            AuditEntry(
                event_id=uuid7(),
                occurred_at=now + number,
                action="request",
                outcome="denied",
                actor=_WHO.name,
                reason=_DENIAL.code,
                project_id=_WHO.project_id,
                key_id=_WHO.key_id,
                request_id=str(uuid7()),
                client_ip=f"192.0.2.{number % 250}",
                method="POST",
                path="/v1/chat/completions",
                user_agent="OpenAI/Python 2.1.0",
                metadata={"status": 429, "plugin": "limits", "model": "gpt-5"},
            )
            for number in range(begin, min(begin + _BATCH, events))
        ]


@asynccontextmanager
async def _refusing(*plugins: object) -> AsyncIterator[tuple[ASGIApp, Store]]:
    """Give an application behind the middleware with *plugins* alone, its journal empty when it is left."""
    with TemporaryDirectory(prefix="proxystore-benchmark-") as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/proxystore.db", plugins=())
        async with Store(settings=settings) as store:
            yield ProxyStoreMiddleware(echo(is_yielding=False), store=store, plugins=plugins), store
            await store.ledger.drain(60)


async def _once(app: ASGIApp, requests: int) -> float:
    """Return the CPU time of this thread for one of a few requests, in microseconds."""
    gc.collect()
    started = time.thread_time_ns()
    for _ in range(requests):
        await ask(app, CHAT)
    return (time.thread_time_ns() - started) / requests / 1000


async def refusals(size: Size) -> tuple[float, float, float]:
    """Return microseconds of a refusal without and with the audit plugin, and the difference, round by round."""
    async with _refusing(_Refuse) as (plain, _), _refusing(_Refuse, Audit) as (audited, store):
        pairs = []
        for _ in range(size.rounds):
            without = await microseconds(plain, CHAT, size._replace(rounds=7))
            with_ = float("inf")
            for _ in range(_BATCHES):
                await store.ledger.drain(60)  # or its writer, in a thread of its own, is measured as well
                with_ = min(with_, await _once(audited, size.requests))
            pairs.append((without, with_))
    return (
        median(without for without, _ in pairs),
        median(with_ for _, with_ in pairs),
        median(with_ - without for without, with_ in pairs),
    )


def main() -> None:
    """Measure, and print a few lines or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=_SIZE.requests, help="refusals in each round")
    parser.add_argument("--rounds", type=int, default=_SIZE.rounds)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: list[Rates] = []
    for kind in given.database or ["sqlite", "postgresql"]:
        with migrated(kind) as settings:
            found.append(asyncio.run(rates(kind, settings, given.events)))
    plain, audited, added = asyncio.run(refusals(Size(given.requests, given.rounds)))
    figures = Figures(rates=found, refusal_us=plain, audited_refusal_us=audited, added_us=added)
    if given.json:
        print(msgspec.json.encode(figures).decode())
        return
    for one in found:
        print(
            f"{one.database:10}  {one.written:9,.0f} links written a second, {one.verified:9,.0f} verified:"
            f" {one.events:,} in {one.verify_seconds:.1f} s"
        )
    print(f"a refusal   {plain:.1f} us, with its audit event {audited:.1f} us: +{added:.1f} us")
