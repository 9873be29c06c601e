"""A key for tests that are about something else."""

from __future__ import annotations

import asyncio
from typing import Any

from proxystore import Settings, Store


def make_key(settings: Settings, **options: Any) -> str:
    """Make a key in the database of *settings*, and return its secret."""

    async def make() -> str:
        async with Store(settings=settings) as store:
            return (await store.keys.create(**{"name": "a test", **options})).secret

    return asyncio.run(make())
