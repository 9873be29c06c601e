"""An empty, migrated database of each kind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import asyncpg

from proxystore import Settings
from proxystore.migrating import upgrade
from proxystore.testing.postgres import server


@contextmanager
def migrated(kind: str) -> Iterator[Settings]:
    """Give settings of a new database: in a file, or on ``PROXYSTORE_TEST_PG_URL``, else on a server of its own."""
    with TemporaryDirectory() as directory:
        if kind == "sqlite":
            yield _upgraded(f"sqlite:///{directory}/proxystore.db", directory)
            return
        with server() as postgres:
            name = f"proxystore_benchmark_{uuid4().hex[:8]}"
            asyncio.run(_administer(postgres.url, f"CREATE DATABASE {name}"))
            try:
                yield _upgraded(postgres.database_url(name), directory)
            finally:
                asyncio.run(_administer(postgres.url, f"DROP DATABASE {name} WITH (FORCE)"))


def _upgraded(url: str, directory: str) -> Settings:
    settings = Settings(database_url=url, data_dir=Path(directory))
    asyncio.run(upgrade(settings.url, schema=settings.database_schema))
    return settings


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()
