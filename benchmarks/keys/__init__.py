"""What keys cost: to make, to look up, to tell apart from what is none.

``python -m benchmarks keys``: SQLite in a temporary directory, the PostgreSQL that `proxystore.testing.postgres` finds.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import asyncpg
import msgspec

from benchmarks.keys.measuring import Figures, Size, measured, unstored
from proxystore import Settings, Store
from proxystore.testing.postgres import server

_SECRET = "a secret of a benchmark that everybody knows"  # noqa: S105


async def _sqlite(size: Size) -> Figures:
    with tempfile.TemporaryDirectory() as directory:
        return await _on(f"sqlite:///{directory}/benchmark.db", Path(directory), size)


async def _postgresql(url: str, size: Size) -> Figures:
    administration = await asyncpg.connect(url)
    await administration.execute("DROP DATABASE IF EXISTS proxystore_benchmark")
    await administration.execute("CREATE DATABASE proxystore_benchmark")
    with tempfile.TemporaryDirectory() as directory:
        figures = await _on(url.rpartition("/")[0] + "/proxystore_benchmark", Path(directory), size)
    await administration.execute("DROP DATABASE proxystore_benchmark WITH (FORCE)")
    await administration.close()
    return figures


async def _on(url: str, directory: Path, size: Size) -> Figures:
    settings = Settings(database_url=url, data_dir=directory, pepper=_SECRET, audit_key=_SECRET)
    async with Store(settings=settings) as store:
        return await measured(store, size)


def main() -> None:
    """Measure on both databases, or on one."""
    parser = argparse.ArgumentParser(description="What keys cost.")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="one of the two alone")
    parser.add_argument("--keys", type=int, default=20_000, help="how many there are")
    parser.add_argument("--batch", type=int, default=1_000, help="how many are made at a time")
    parser.add_argument("--checks", type=int, default=500, help="how many are checked in a round")
    given = parser.parse_args()
    size = Size(keys=given.keys, batch=given.batch, checks=given.checks)
    figures = {"no database": unstored(size)}
    if given.database != "postgresql":
        figures["sqlite"] = asyncio.run(_sqlite(size))
    if given.database != "sqlite":
        with server() as postgres:
            figures["postgresql"] = asyncio.run(_postgresql(postgres.url, size))
    if given.json:
        print(msgspec.json.format(msgspec.json.encode(figures)).decode())
        return
    for where, found in figures.items():
        print(where)
        for what, figure in found.items():
            print(f"  {what:30} {figure:10,.1f}")
