"""What a call to the database costs, ours beside the drivers and beside plain ``databases``.

``python -m benchmarks database``: SQLite in a temporary directory, the PostgreSQL that `proxystore.testing.postgres`
finds. Each figure is the best of five rounds, in microseconds per call (or per row), with one call at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import aiosqlite
import asyncpg
import databases
import msgspec
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, bindparam, insert, select
from sqlalchemy.schema import CreateSchema, CreateTable

from proxystore.database import Database, Query, Statement
from proxystore.settings.url import DatabaseURL
from proxystore.testing.postgres import server

ROUNDS = 5
WIDTH = 12

rows = Table(
    "rows",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    *(Column(f"c{number}", Text) for number in range(WIDTH)),
)
Row = msgspec.defstruct("Row", [("id", int), *((f"c{number}", str) for number in range(WIDTH))], frozen=True)
FIND = Query(select(rows).where(rows.c.id == bindparam("row_id")), Row)
ADD = Statement(insert(rows))
options = argparse.Namespace(calls=400)
figures: dict[str, dict[str, float]] = {}
"""Microseconds by what was done, by database."""
VALUES = {f"c{number}": "some text" for number in range(WIDTH)}


async def microseconds(call: Callable[[int], Awaitable[Any]], share: float = 1.0) -> float:
    """Return what one *call* takes, which is told the number of the call; *share* is for calls that do much."""
    best, number, calls = float("inf"), 0, max(1, int(options.calls * share))
    for _ in range(ROUNDS):
        started = perf_counter()
        for _ in range(calls):
            number += 1
            await call(number)
        best = min(best, (perf_counter() - started) / calls)
    return best * 1e6


def tell(what: str, figure: float) -> None:
    """Take note of one figure, of the database named last."""
    list(figures.values())[-1][what] = round(figure, 1)


def show() -> None:
    """Print what was measured."""
    for database, measured in figures.items():
        print(database)
        for what, figure in measured.items():
            print(f"{what:60} {figure:8.0f}")


def row(number: int) -> dict[str, Any]:
    """Return the values of row *number*."""
    return {"id": number, **VALUES}


async def ours(url: str) -> None:
    """Measure the database room."""
    async with Database(DatabaseURL.parse(url)) as database:
        schema = [Statement(CreateSchema("proxystore"))] if database.dialect == "postgresql" else []
        async with database.transaction() as transaction:
            for statement in (*schema, Statement(CreateTable(rows))):
                await transaction.execute(statement)
            await transaction.execute(ADD, **row(0))
        tell("ours: fetch_one", await microseconds(lambda _: database.fetch_one(FIND, row_id=0)))
        tell(
            "ours: execute(insert), committed", await microseconds(lambda number: database.execute(ADD, **row(number)))
        )

        async def transact(number: int) -> None:
            async with database.transaction() as transaction:
                await transaction.fetch_one(FIND, row_id=0)
                await transaction.execute(ADD, **row(1_000_000 + number))

        tell("ours: transaction of one read, one insert", await microseconds(transact))

        async def load(number: int) -> None:
            async with database.transaction() as transaction:
                await transaction.execute_many(ADD, [row(number * 10_000_000 + one) for one in range(1000)])

        tell("ours: execute_many, per row of 1,000", await microseconds(load, 0.0125) / 1000)


async def plain(url: str) -> None:
    """Measure `databases` as its documentation says to use it."""
    clause, add = select(rows).where(rows.c.id == 0), insert(rows)
    async with databases.Database(url) as database:
        tell("databases: fetch_one", await microseconds(lambda _: database.fetch_one(clause)))
        add_row: Callable[[int], Awaitable[Any]] = lambda number: database.execute(add, row(-number))  # noqa: E731
        tell("databases: execute(insert)", await microseconds(add_row))
        async with database.connection() as connection:
            tell("databases, connection held: fetch_one", await microseconds(lambda _: connection.fetch_one(clause)))

        async def transact(number: int) -> None:
            async with database.transaction():
                await database.fetch_one(clause)
                await database.execute(add, row(-1_000_000 - number))

        tell("databases: transaction of one read, one insert", await microseconds(transact))


async def sqlite(directory: Path) -> None:
    """Measure on SQLite."""
    figures["SQLite (WAL, synchronous = normal; plain databases as it comes: synchronous = full)"] = {}
    path = directory / "benchmark.db"
    await ours(f"sqlite:///{path}")
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        sql = "SELECT * FROM rows WHERE id = ?"
        tell("aiosqlite, held: execute_fetchall", await microseconds(lambda _: connection.execute_fetchall(sql, (0,))))
    await plain(f"sqlite:///{path}")


async def postgresql(url: str) -> None:
    """Measure on PostgreSQL."""
    administration = await asyncpg.connect(url)
    await administration.execute("DROP DATABASE IF EXISTS proxystore_benchmark")
    await administration.execute("CREATE DATABASE proxystore_benchmark")
    url = url.rpartition("/")[0] + "/proxystore_benchmark"
    figures["PostgreSQL (on this machine, TCP, synchronous_commit = off)"] = {}
    await ours(url)
    connection = await asyncpg.connect(url, server_settings={"search_path": "proxystore"})
    sql = "SELECT * FROM rows WHERE id = $1"
    tell("asyncpg, held: fetchrow", await microseconds(lambda _: connection.fetchrow(sql, 0)))
    await connection.close()
    async with asyncpg.create_pool(url, min_size=1, server_settings={"search_path": "proxystore"}) as pool:
        tell("asyncpg, pool: fetchrow", await microseconds(lambda _: pool.fetchrow(sql, 0)))
    await administration.execute("ALTER DATABASE proxystore_benchmark SET search_path = proxystore")
    await plain(url)
    await administration.execute("DROP DATABASE proxystore_benchmark WITH (FORCE)")
    await administration.close()


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description="What a call to the database costs, in microseconds.")
    parser.add_argument("--calls", type=int, default=options.calls, help="how many of each in a round")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--json", action="store_true", help="for programs")
    vars(options).update(vars(parser.parse_args()))
    figures.clear()
    if "sqlite" in (options.database or ["sqlite"]):
        with tempfile.TemporaryDirectory() as directory:
            asyncio.run(sqlite(Path(directory)))
    if "postgresql" in (options.database or ["postgresql"]):
        with server() as postgres:
            asyncio.run(postgresql(postgres.url))
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(figures)).decode())
    else:
        show()


if __name__ == "__main__":
    main()
