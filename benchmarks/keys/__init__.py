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

from benchmarks.keys.measuring import Figures, measured, unstored
from proxystore import Settings, Store
from proxystore.testing.postgres import server

_PEPPER = "the pepper of a benchmark that everybody knows"


async def _sqlite() -> Figures:
    with tempfile.TemporaryDirectory() as directory:
        return await _on(f"sqlite:///{directory}/benchmark.db", Path(directory))


async def _postgresql(url: str) -> Figures:
    administration = await asyncpg.connect(url)
    await administration.execute("DROP DATABASE IF EXISTS proxystore_benchmark")
    await administration.execute("CREATE DATABASE proxystore_benchmark")
    with tempfile.TemporaryDirectory() as directory:
        figures = await _on(url.rpartition("/")[0] + "/proxystore_benchmark", Path(directory))
    await administration.execute("DROP DATABASE proxystore_benchmark WITH (FORCE)")
    await administration.close()
    return figures


async def _on(url: str, directory: Path) -> Figures:
    settings = Settings(database_url=url, data_dir=directory, pepper=_PEPPER, audit_key=_PEPPER)
    async with Store(settings=settings) as store:
        return await measured(store)


def main() -> None:
    """Measure both databases."""
    parser = argparse.ArgumentParser(description="What keys cost.")
    parser.add_argument("--json", action="store_true", help="for programs")
    is_json = parser.parse_args().json
    figures = {"no database": unstored(), "SQLite": asyncio.run(_sqlite())}
    with server() as postgres:
        figures["PostgreSQL (on this machine, TCP)"] = asyncio.run(_postgresql(postgres.url))
    if is_json:
        print(msgspec.json.format(msgspec.json.encode(figures)).decode())
        return
    for where, found in figures.items():
        print(where)
        for what, figure in found.items():
            print(f"  {what:56} {figure:10,.1f}")
