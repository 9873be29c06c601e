"""What limits cost: decided in memory, asked of the database, and for a hot key over eight processes.

``python -m benchmarks limits``: SQLite in a temporary directory, the PostgreSQL that `proxystore.testing.postgres`
finds.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import asyncpg
import msgspec

from benchmarks.limits.measuring import Figures, Size, measured
from proxystore import Settings, Store
from proxystore.testing.postgres import server

_KNOWN = "what everybody knows who reads this"


async def _on(url: str, directory: Path, size: Size) -> Figures:
    settings = Settings(database_url=url, data_dir=directory, pepper=_KNOWN, audit_key=_KNOWN)
    async with Store(settings=settings):
        pass  # so that no figure has the migrations in it
    return await measured(settings, size)


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


def main() -> None:
    """Measure both databases."""
    parser = argparse.ArgumentParser(description="What limits cost.")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="one of the two alone")
    for name, default, meaning in Size.options():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=meaning)
    given = parser.parse_args()
    size = Size(**{name: getattr(given, name) for name, _, _ in Size.options()})
    figures = {}
    if given.database != "postgresql":
        figures["sqlite"] = asyncio.run(_sqlite(size))
    if given.database != "sqlite":
        with server() as postgres:
            figures["postgresql"] = asyncio.run(_postgresql(postgres.url, size))
    if given.json:
        print(msgspec.json.encode(figures).decode())
        return
    for database, each in figures.items():
        print(database)
        for what, figure in each.items():
            print(f"  {what:50} {figure:10.2f}")
